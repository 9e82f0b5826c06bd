package dev.gossamer.snapshot;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What each sector of a device may hold after a failure: its last stable contents, or any later version of it. */
final class SectorVersions {
    private static final int SECTOR = 512;

    private final List<List<byte[]>> possible = new ArrayList<>();

    SectorVersions(byte[] contents) {
        for (int at = 0; at < contents.length; at += SECTOR) {
            possible.add(new ArrayList<>(List.of(Arrays.copyOfRange(contents, at, at + SECTOR))));
        }
    }

    /** A write of whole sectors has begun. */
    void writing(long offset, byte[] bytes) {
        for (int at = 0; at < bytes.length; at += SECTOR) {
            possible.get((int) (offset + at) / SECTOR).add(Arrays.copyOfRange(bytes, at, at + SECTOR));
        }
    }

    /** A FLUSH was answered that came after the answers to all writes. */
    void allStable() {
        for (List<byte[]> versions : possible) {
            byte[] last = versions.getLast();
            versions.clear();
            versions.add(last);
        }
    }

    /** A FLUSH was answered after this write, and both were right. */
    void stable(long offset, byte[] bytes) {
        for (int at = 0; at < bytes.length; at += SECTOR) {
            List<byte[]> versions = possible.get((int) (offset + at) / SECTOR);
            versions.clear();
            versions.add(Arrays.copyOfRange(bytes, at, at + SECTOR));
        }
    }

    void check(byte[] found, String where) {
        assertEquals(possible.size() * SECTOR, found.length);
        for (int i = 0; i < possible.size(); i++) {
            byte[] sector = Arrays.copyOfRange(found, i * SECTOR, (i + 1) * SECTOR);
            if (possible.get(i).stream().noneMatch(version -> Arrays.equals(version, sector))) {
                throw new AssertionError(where + ": sector " + i + " holds " + sector[0] + ", none of its "
                        + possible.get(i).size() + " possible versions");
            }
        }
    }
}
