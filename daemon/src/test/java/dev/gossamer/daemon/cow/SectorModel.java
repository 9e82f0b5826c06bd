package dev.gossamer.daemon.cow;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * What each sector of a device may hold: a number, all over the sector. Which of them now, and which after the power
 * was gone.
 */
final class SectorModel {
    static final int SECTOR = 512;

    private final List<Set<Integer>> now = new ArrayList<>();
    private final List<Set<Integer>> afterCut = new ArrayList<>();

    private SectorModel() {}

    /** All zeros. */
    static SectorModel zeros(int sizeBytes) {
        SectorModel model = new SectorModel();
        for (int i = 0; i < sizeBytes / SECTOR; i++) {
            model.now.add(Set.of(0));
            model.afterCut.add(Set.of(0));
        }
        return model;
    }

    /** What a snapshot is that is made now. Making it flushes: then {@link #flushed} as well. */
    SectorModel snapshot() {
        SectorModel copy = new SectorModel();
        copy.now.addAll(now);
        copy.afterCut.addAll(now);
        return copy;
    }

    /** The same contents. */
    SectorModel copy() {
        SectorModel copy = new SectorModel();
        copy.now.addAll(now);
        copy.afterCut.addAll(afterCut);
        return copy;
    }

    /** Each sector is as here or as there. */
    SectorModel mixedWith(SectorModel other) {
        SectorModel mixed = new SectorModel();
        for (int i = 0; i < now.size(); i++) {
            mixed.now.add(union(now.get(i), other.now.get(i)));
            mixed.afterCut.add(union(afterCut.get(i), other.afterCut.get(i)));
        }
        return mixed;
    }

    private static Set<Integer> union(Set<Integer> one, Set<Integer> other) {
        Set<Integer> both = new TreeSet<>(one);
        both.addAll(other);
        return both;
    }

    /** A write is under way. */
    void writing(int sector, int count, int number) {
        for (int i = sector; i < sector + count; i++) {
            now.set(i, union(now.get(i), Set.of(number)));
            afterCut.set(i, union(afterCut.get(i), Set.of(number)));
        }
    }

    /** It was answered. */
    void written(int sector, int count, int number) {
        for (int i = sector; i < sector + count; i++) {
            now.set(i, Set.of(number));
        }
    }

    /** A FLUSH was answered, and no write was under way. */
    void flushed() {
        for (int i = 0; i < now.size(); i++) {
            afterCut.set(i, now.get(i));
        }
    }

    void powerLost() {
        for (int i = 0; i < now.size(); i++) {
            now.set(i, afterCut.get(i));
        }
    }

    static byte[] bytes(int count, int number) {
        ByteBuffer bytes = ByteBuffer.allocate(count * SECTOR);
        while (bytes.hasRemaining()) {
            bytes.putInt(number);
        }
        return bytes.array();
    }

    void check(byte[] found, String where) {
        assertEquals(now.size() * SECTOR, found.length, where);
        ByteBuffer bytes = ByteBuffer.wrap(found);
        for (int i = 0; i < now.size(); i++) {
            int number = bytes.getInt(i * SECTOR);
            for (int at = i * SECTOR; at < (i + 1) * SECTOR; at += Integer.BYTES) {
                assertEquals(number, bytes.getInt(at), where + ": sector " + i + " is torn");
            }
            if (!now.get(i).contains(number)) {
                throw new AssertionError(where + ": sector " + i + " holds " + number + ", may hold " + now.get(i));
            }
        }
    }
}
