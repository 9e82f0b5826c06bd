package dev.gossamer.thin.pool;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * What a volume may hold after a power cut, when requests overlap: each write fills its sectors with a stamp of its
 * own, so a sector is known by one number. Of every sector it may be the last version that was stable for certain, or
 * any later one.
 */
final class StampModel {
    private static final int SECTOR = 512;

    /** Versions of one sector, oldest first. */
    private static final class Sector {
        int[] stamps = new int[2];
        int size = 1;
        /** The last version whose write has been answered. */
        int answered;

        Sector copy() {
            Sector copy = new Sector();
            copy.stamps = stamps.clone();
            copy.size = size;
            copy.answered = answered;
            return copy;
        }
    }

    private final Sector[] sectors;
    /** The least that may be found, by sector. */
    private final int[] stable;

    StampModel(int bytes) {
        this(new Sector[bytes / SECTOR], new int[bytes / SECTOR]);
        Arrays.setAll(sectors, i -> new Sector());
    }

    private StampModel(Sector[] sectors, int[] stable) {
        this.sectors = sectors;
        this.stable = stable;
    }

    /** The bytes that a write of this stamp has. */
    static byte[] bytes(int stamp, int length) {
        ByteBuffer bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        while (bytes.hasRemaining()) {
            bytes.putInt(stamp);
        }
        return bytes.array();
    }

    /** A write of whole sectors has begun. Returns for {@link #answered}: their newest versions. */
    int[] begun(int offset, int length, int stamp) {
        int[] versions = new int[length / SECTOR];
        for (int i = 0; i < versions.length; i++) {
            Sector sector = sectors[offset / SECTOR + i];
            if (sector.size == sector.stamps.length) {
                sector.stamps = Arrays.copyOf(sector.stamps, 2 * sector.size);
            }
            versions[i] = sector.size;
            sector.stamps[sector.size++] = stamp;
        }
        return versions;
    }

    /** A write has been answered; with FUA it is stable. */
    void answered(int offset, int[] versions, boolean fua) {
        for (int i = 0; i < versions.length; i++) {
            Sector sector = sectors[offset / SECTOR + i];
            sector.answered = Math.max(sector.answered, versions[i]);
            if (fua) {
                stable[offset / SECTOR + i] = Math.max(stable[offset / SECTOR + i], versions[i]);
            }
        }
    }

    /** What has been answered by now; for {@link #flushed}. */
    int[] answers() {
        return Arrays.stream(sectors).mapToInt(sector -> sector.answered).toArray();
    }

    /** A FLUSH that came after these answers has been answered. */
    void flushed(int[] answers) {
        for (int i = 0; i < sectors.length; i++) {
            stable[i] = Math.max(stable[i], answers[i]);
        }
    }

    /** What a snapshot that is being taken from now on may hold: anything from what has been answered by now. */
    StampModel snapshotBegun() {
        return new StampModel(sectors, answers());
    }

    /** The snapshot has been answered: what is written from now on is not in it. */
    StampModel snapshotTaken() {
        Sector[] then = new Sector[sectors.length];
        Arrays.setAll(then, i -> sectors[i].copy());
        return new StampModel(then, stable);
    }

    void check(byte[] found, String where) {
        ByteBuffer bytes = ByteBuffer.wrap(found).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < sectors.length; i++) {
            int stamp = bytes.getInt(i * SECTOR);
            for (int at = 0; at < SECTOR; at += Integer.BYTES) {
                if (bytes.getInt(i * SECTOR + at) != stamp) {
                    throw new AssertionError(where + ": sector " + i + " is made of several versions");
                }
            }
            Sector sector = sectors[i];
            int version = sector.size - 1;
            while (version >= stable[i] && sector.stamps[version] != stamp) {
                version--;
            }
            if (version < stable[i]) {
                throw new AssertionError(where + ": sector " + i + " holds version " + stamp + ", expected one of "
                        + Arrays.toString(Arrays.copyOfRange(sector.stamps, stable[i], sector.size)));
            }
        }
    }
}
