package dev.gossamer.thin.pool;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/**
 * What a volume may hold after a power cut: of every sector its last stable contents, or any later version of it, and
 * nothing else. A later version replaces all of the sector, as devices write sectors whole.
 */
final class SectorModel {
    private static final int SECTOR = 512;

    private final List<List<byte[]>> possible = new ArrayList<>();
    // Of these no flush tells which version they have.
    private final BitSet unsure = new BitSet();

    SectorModel(long sizeBytes) {
        for (long i = 0; i < sizeBytes / SECTOR; i++) {
            List<byte[]> versions = new ArrayList<>();
            versions.add(new byte[SECTOR]);
            possible.add(versions);
        }
    }

    /** A write of these bytes has begun: each sector it touches may hold a new version from now on. */
    void writing(long offsetBytes, byte[] bytes) {
        int done = 0;
        while (done < bytes.length) {
            long at = offsetBytes + done;
            int inSector = (int) (at % SECTOR);
            int length = Math.min(SECTOR - inSector, bytes.length - done);
            List<byte[]> versions = possible.get((int) (at / SECTOR));
            byte[] next = versions.get(versions.size() - 1).clone();
            System.arraycopy(bytes, done, next, inSector, length);
            versions.add(next);
            done += length;
        }
    }

    /** A FUA write of the range was answered: what it wrote is the least that may be found. */
    void stable(long offsetBytes, long lengthBytes) {
        for (long s = offsetBytes / SECTOR; s * SECTOR < offsetBytes + lengthBytes; s++) {
            keepLast(possible.get((int) s));
            unsure.clear((int) s);
        }
    }

    /** A FLUSH was answered: the last version of every sector is the least that may be found. */
    void allStable() {
        for (int s = 0; s < possible.size(); s++) {
            if (!unsure.get(s)) {
                keepLast(possible.get(s));
            }
        }
    }

    /** A write of the range has failed, or a trim may have had no effect: it holds the old contents or the new. */
    void unsure(long offsetBytes, long lengthBytes) {
        unsure.set((int) (offsetBytes / SECTOR), (int) ((offsetBytes + lengthBytes + SECTOR - 1) / SECTOR));
    }

    /** The model of a snapshot taken now, before it is answered. */
    SectorModel copyAsSnapshot() {
        SectorModel copy = new SectorModel(0);
        for (List<byte[]> versions : possible) {
            copy.possible.add(new ArrayList<>(versions));
        }
        return copy;
    }

    void check(byte[] found, String where) {
        for (int s = 0; s < possible.size(); s++) {
            byte[] sector = Arrays.copyOfRange(found, s * SECTOR, (s + 1) * SECTOR);
            if (possible.get(s).stream().noneMatch(version -> Arrays.equals(version, sector))) {
                throw new AssertionError(where + ": sector " + s + " holds " + sector[0] + ".." + sector[SECTOR - 1]
                        + ", none of its " + possible.get(s).size() + " possible versions");
            }
        }
    }

    /** One sector holds one of its possible versions. */
    void checkOne(long offsetBytes, byte[] found, String where) {
        List<byte[]> versions = possible.get((int) (offsetBytes / SECTOR));
        if (versions.stream().noneMatch(version -> Arrays.equals(version, found))) {
            throw new AssertionError(where + " holds " + found[0] + ".." + found[SECTOR - 1] + ", none of its "
                    + versions.size() + " possible versions");
        }
    }

    /** One sector, of which nothing is under way, holds its last version. */
    void checkLast(long offsetBytes, byte[] found, String where) {
        if (!Arrays.equals(possible.get((int) (offsetBytes / SECTOR)).getLast(), found)) {
            throw new AssertionError(
                    where + " holds " + found[0] + ".." + found[SECTOR - 1] + ", not its last version");
        }
    }

    private static void keepLast(List<byte[]> versions) {
        byte[] last = versions.get(versions.size() - 1);
        versions.clear();
        versions.add(last);
    }
}
