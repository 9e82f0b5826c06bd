package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.fail;

import dev.gossamer.io.sim.Seeds;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * What a volume may contain after the server was killed. Each write gets a generation number, and each sector of it
 * contents made from seed, generation and sector, so that a sector found later tells which write it came from. For each
 * sector the model keeps the newest generation that a FLUSH or FUA has made durable; that one or any later write to the
 * sector may be found. Generation 0 stands for "never written": zeros.
 */
final class SectorModel {
    static final int SECTOR_BYTES = 512;

    private final long seed;
    private final int[] durable;
    private final int[] acknowledged;
    private final int[] submitted;

    SectorModel(long seed, int sectors) {
        this.seed = seed;
        durable = new int[sectors];
        acknowledged = new int[sectors];
        submitted = new int[sectors];
    }

    /** The contents that generation {@code generation} writes to sectors {@code first} .. {@code first + count - 1}. */
    byte[] contents(int generation, int first, int count) {
        byte[] bytes = new byte[count * SECTOR_BYTES];
        for (int i = 0; i < count; i++) {
            SplittableRandom random = Seeds.splittable(seed ^ ((long) generation << 32) ^ (first + i));
            ByteBuffer sector = ByteBuffer.wrap(bytes, i * SECTOR_BYTES, SECTOR_BYTES);
            sector.putInt(generation);
            while (sector.remaining() >= Long.BYTES) {
                sector.putLong(random.nextLong());
            }
        }
        return bytes;
    }

    void submit(int generation, int first, int count) {
        Arrays.fill(submitted, first, first + count, generation);
    }

    void acknowledge(int generation, int first, int count) {
        Arrays.fill(acknowledged, first, first + count, generation);
    }

    /** A FUA write was answered. */
    void acknowledgeDurable(int generation, int first, int count) {
        acknowledge(generation, first, count);
        Arrays.fill(durable, first, first + count, generation);
    }

    /** What a FLUSH that is sent now will make durable; give it to {@link #flushed} when the answer is there. */
    int[] acknowledgedNow() {
        return acknowledged.clone();
    }

    void flushed(int[] acknowledgedWhenSent) {
        for (int sector = 0; sector < durable.length; sector++) {
            durable[sector] = Math.max(durable[sector], acknowledgedWhenSent[sector]);
        }
    }

    /**
     * Checks what was read back after the crash and takes it as the new state: it came from the device, so it is
     * durable. A torn sector, one of another place, or one older than the newest durable write fails.
     */
    void verifyAndAdopt(int first, byte[] found) {
        for (int i = 0; i * SECTOR_BYTES < found.length; i++) {
            int sector = first + i;
            byte[] bytes = Arrays.copyOfRange(found, i * SECTOR_BYTES, (i + 1) * SECTOR_BYTES);
            int generation = ByteBuffer.wrap(bytes).getInt();
            byte[] expected = generation == 0 ? new byte[SECTOR_BYTES] : contents(generation, sector, 1);
            if (generation < durable[sector] || generation > submitted[sector] || !Arrays.equals(bytes, expected)) {
                fail("seed " + seed + ", sector " + sector + ": found generation " + generation + ", durable "
                        + durable[sector] + ", last submitted " + submitted[sector]
                        + (Arrays.equals(bytes, expected) ? "" : ", contents of no write"));
            }
            durable[sector] = generation;
            acknowledged[sector] = generation;
            submitted[sector] = generation;
        }
    }
}
