package dev.gossamer.daemon.config;

import java.time.Duration;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes and times as people write them, in pool.yaml and on the command line. */
public final class Quantity {
    private static final String UNITS = "KMGTP";
    private static final Pattern SIZE = Pattern.compile("([0-9]{1,19})([kKmMgGtTpP]?)");
    private static final Pattern SHORT_TIME = Pattern.compile("([0-9]{1,9})ms");
    private static final Pattern TIME = Pattern.compile("([0-9]{1,6})(s|m|h)");

    private Quantity() {}

    /** Bytes; throws with a message for the user if {@code text} is no size or is beyond 2^63. */
    public static long bytes(String text) {
        Matcher matcher = SIZE.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException(
                    "'" + text + "' is no size; write a whole number of bytes, or with k, M, G"
                            + " or T (powers of 1024), as in 100G");
        }
        try {
            long number = Long.parseLong(matcher.group(1));
            String unit = matcher.group(2).toUpperCase(Locale.ROOT);
            int power = unit.isEmpty() ? 0 : UNITS.indexOf(unit) + 1;
            return Math.multiplyExact(number, 1L << (10 * power));
        } catch (NumberFormatException | ArithmeticException e) {
            throw new IllegalArgumentException("size '" + text + "' is too large", e);
        }
    }

    /** At most four significant characters and a unit: {@code 512}, {@code 64k}, {@code 1.5G}. Rounds to nearest. */
    public static String text(long bytes) {
        if (bytes < 1024) {
            return Long.toString(bytes);
        }
        int power = (63 - Long.numberOfLeadingZeros(bytes)) / 10;
        String unit = power == 1
                ? "k"
                : UNITS.substring(Math.min(power, UNITS.length()) - 1, Math.min(power, UNITS.length()));
        double scaled = (double) bytes / (1L << (10 * Math.min(power, UNITS.length())));
        String digits = String.format(Locale.ROOT, scaled < 100 ? "%.1f" : "%.0f", scaled);
        return (digits.endsWith(".0") ? digits.substring(0, digits.length() - 2) : digits) + unit;
    }

    /** A time of whole seconds, minutes or hours; throws with a message for the user if {@code text} is none. */
    public static Duration time(String text) {
        Matcher matcher = TIME.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("'" + text + "' is no time; write it as in 30s, 5m or 1h");
        }
        long number = Long.parseLong(matcher.group(1));
        return switch (matcher.group(2)) {
            case "s" -> Duration.ofSeconds(number);
            case "m" -> Duration.ofMinutes(number);
            default -> Duration.ofHours(number);
        };
    }

    /** As {@link #time}, or of milliseconds, as in 250ms; 0 needs no unit. */
    public static Duration shortTime(String text) {
        Matcher matcher = SHORT_TIME.matcher(text);
        if (matcher.matches()) {
            return Duration.ofMillis(Long.parseLong(matcher.group(1)));
        }
        return text.equals("0") ? Duration.ZERO : time(text);
    }
}
