package dev.gossamer.daemon.config;

import dev.gossamer.thin.DiscardMode;
import dev.gossamer.thin.OnFull;
import dev.gossamer.thin.PoolCaches;
import dev.gossamer.thin.PoolGrowth;
import dev.gossamer.thin.PoolOptions;
import dev.gossamer.thin.UnmarkedCatalog;
import java.time.Duration;

/**
 * What {@code pool.yaml} says of space; every key may be missing.
 *
 * @param onFull {@code on-full}
 * @param onFullTimeout {@code on-full-timeout}; zero = for ever
 * @param lowWaterPercent {@code low-water}
 * @param emergencyBytes {@code emergency-reserve}: what only critical volumes may take, 0 = nothing
 * @param autoExtendBytes {@code auto-extend}: ceiling of the data file's own growth, 0 = it does not grow
 * @param discard {@code discard}: what becomes of TRIM
 * @param unmarkedCatalog {@code unmarked-catalog}: take or ignore, where that has to be decided
 */
public record SpaceConfig(
        OnFull onFull,
        Duration onFullTimeout,
        int lowWaterPercent,
        long emergencyBytes,
        long autoExtendBytes,
        DiscardMode discard,
        UnmarkedCatalog unmarkedCatalog) {
    /** What holds for keys that are missing. */
    public static final SpaceConfig DEFAULT = new SpaceConfig(
            PoolOptions.DEFAULT.onFull(),
            PoolOptions.DEFAULT.onFullTimeout(),
            PoolOptions.DEFAULT.lowWaterPercent(),
            PoolOptions.DEFAULT.emergencyBytes(),
            PoolOptions.DEFAULT.autoExtendBytes(),
            PoolOptions.DEFAULT.discard(),
            PoolOptions.DEFAULT.unmarkedCatalog());

    private static final int MAX_LOW_WATER_PERCENT = 90;

    public SpaceConfig withAutoExtend(long newAutoExtendBytes) {
        return new SpaceConfig(
                onFull, onFullTimeout, lowWaterPercent, emergencyBytes, newAutoExtendBytes, discard, unmarkedCatalog);
    }

    SpaceConfig withEmergency(long newBytes) {
        return new SpaceConfig(
                onFull, onFullTimeout, lowWaterPercent, newBytes, autoExtendBytes, discard, unmarkedCatalog);
    }

    SpaceConfig withOnFull(OnFull newOnFull) {
        return new SpaceConfig(
                newOnFull, onFullTimeout, lowWaterPercent, emergencyBytes, autoExtendBytes, discard, unmarkedCatalog);
    }

    SpaceConfig withOnFullTimeout(Duration newTimeout) {
        return new SpaceConfig(
                onFull, newTimeout, lowWaterPercent, emergencyBytes, autoExtendBytes, discard, unmarkedCatalog);
    }

    /** The mark as written in the file: a percentage. */
    SpaceConfig withLowWater(String text) {
        if (!text.matches("[0-9]{1,2}%") || percent(text) > MAX_LOW_WATER_PERCENT) {
            throw new IllegalArgumentException("'" + text + "' is no low-water mark; write 0% to 90%");
        }
        return new SpaceConfig(
                onFull, onFullTimeout, percent(text), emergencyBytes, autoExtendBytes, discard, unmarkedCatalog);
    }

    /** The mode as written in the file. */
    SpaceConfig withDiscard(String text) {
        DiscardMode mode = DiscardMode.ofOption(text);
        if (mode == null) {
            throw new IllegalArgumentException("'" + text + "' is none of passdown, no-passdown and ignore");
        }
        return new SpaceConfig(
                onFull, onFullTimeout, lowWaterPercent, emergencyBytes, autoExtendBytes, mode, unmarkedCatalog);
    }

    /** The word as written in the file. */
    SpaceConfig withUnmarkedCatalog(String text) {
        UnmarkedCatalog choice = UnmarkedCatalog.of(text);
        if (choice == null) {
            throw new IllegalArgumentException("'" + text + "' is neither take nor ignore");
        }
        return new SpaceConfig(
                onFull, onFullTimeout, lowWaterPercent, emergencyBytes, autoExtendBytes, discard, choice);
    }

    private static int percent(String text) {
        return Integer.parseInt(text.substring(0, text.length() - 1));
    }

    public PoolOptions options(PoolGrowth growth) {
        return new PoolOptions(
                onFull,
                onFullTimeout,
                lowWaterPercent,
                emergencyBytes,
                growth,
                autoExtendBytes,
                discard,
                PoolCaches.DEFAULT,
                null,
                false,
                unmarkedCatalog,
                PoolOptions.DEFAULT.findings());
    }

    /** The lines of pool.yaml that differ from the default. */
    String yaml() {
        StringBuilder lines = new StringBuilder();
        if (onFull != DEFAULT.onFull) {
            lines.append("on-full: ").append(onFull.word()).append('\n');
        }
        if (!onFullTimeout.equals(DEFAULT.onFullTimeout)) {
            lines.append("on-full-timeout: ").append(onFullTimeout.toSeconds()).append("s\n");
        }
        if (lowWaterPercent != DEFAULT.lowWaterPercent) {
            lines.append("low-water: ").append(lowWaterPercent).append("%\n");
        }
        if (emergencyBytes != DEFAULT.emergencyBytes) {
            lines.append("emergency-reserve: ").append(emergencyBytes).append('\n');
        }
        if (autoExtendBytes != DEFAULT.autoExtendBytes) {
            lines.append("auto-extend: ").append(autoExtendBytes).append('\n');
        }
        if (discard != DEFAULT.discard) {
            lines.append("discard: ").append(discard.option()).append('\n');
        }
        if (unmarkedCatalog != DEFAULT.unmarkedCatalog) {
            lines.append("unmarked-catalog: ").append(unmarkedCatalog.word()).append('\n');
        }
        return lines.toString();
    }
}
