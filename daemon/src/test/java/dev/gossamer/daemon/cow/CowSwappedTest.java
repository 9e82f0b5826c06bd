package dev.gossamer.daemon.cow;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Rule S-L6: whatever comes under the name of an origin or a store is left alone, unless it is what was recorded. */
@Timeout(120)
class CowSwappedTest extends CowDaemon {
    private static final int ID_AT = 16;

    private Path one;
    private Path two;

    /** Two snapshots, whose stores are as the kernel makes them: without an id, in their headers and in the record. */
    private void makeStoresOfTheKernelsKind() throws Exception {
        one = zeros("one.img", SIZE * 2);
        two = zeros("two.img", SIZE * 2);
        createDisk();
        create("'name':'disk@one','store':'" + one + "'");
        fill("disk", 0, PIECE, 'a');
        create("'name':'disk@two','store':'" + two + "'");
        fill("disk", PIECE, PIECE, 'b');
        stop();
        Files.writeString(pool.cow(), Files.readString(pool.cow()).replaceAll(" *id: \"[^\"]*\"\n", ""));
        for (Path store : new Path[] {one, two}) {
            try (var file = Files.newByteChannel(store, StandardOpenOption.WRITE)) {
                file.position(ID_AT).write(java.nio.ByteBuffer.allocate(16));
            }
        }
    }

    @Test
    void storesOfTheKernelsKindThatWereSwapped() throws Exception {
        makeStoresOfTheKernelsKind();
        swap();
        byte[][] before = {Files.readAllBytes(one), Files.readAllBytes(two)};
        start();
        assertTrue(causeOfDisk().contains("is not the device that its store was (file, inode "), causeOfDisk());
        stop();
        assertArrayEquals(before[0], Files.readAllBytes(one));
        assertArrayEquals(before[1], Files.readAllBytes(two));
        swap();
        start();
        assertEquals("", causeOfDisk());
        assertArrayEquals(old, read("disk@one", SIZE));
        assertArrayEquals(filled(0, PIECE, 'a'), read("disk@two", SIZE));
    }

    private void swap() throws IOException {
        Path third = Files.move(one, directory.resolve("third.img"));
        Files.move(two, one);
        Files.move(third, two);
    }

    /** Written by somebody else, or by hand: what is found at the first look is recorded. */
    @Test
    void whatWasNotRecordedIsRecordedAtTheFirstLook() throws Exception {
        makeStoresOfTheKernelsKind();
        Files.writeString(pool.cow(), Files.readString(pool.cow()).replaceAll(" *identity: \"[^\"]*\"\n", ""));
        restart();
        assertEquals(3, Files.readString(pool.cow()).split("identity: \"file, inode ", -1).length - 1);
        stop();
        swap();
        start();
        assertTrue(causeOfDisk().contains("is not the device that its store was"), causeOfDisk());
    }

    /** A copy from last week has the same id, and lacks what was written since. */
    @Test
    void aCopyOfAStoreIsNotTheStore() throws Exception {
        Path store = createDiskWithSnapshot();
        stop();
        Path copy = Files.copy(store, directory.resolve("copy.img"));
        start();
        fill("disk", 0, PIECE, 'n');
        stop();
        takeAway(store);
        byte[] before = Files.readAllBytes(Files.move(copy, store));
        start();
        assertTrue(causeOfDisk().contains("is not the device that its store was"), causeOfDisk());
        ask(204, "DELETE", "/v1/cow/disk@s", "");
        assertEquals("", causeOfDisk());
        stop();
        assertArrayEquals(before, Files.readAllBytes(store), "nor is it wiped in its place");
    }

    /** Nobody has snapshots of it that could be destroyed, and still it is not the one that was offered. */
    @Test
    void anotherFileInThePlaceOfAnOriginWithoutSnapshots() throws Exception {
        createDisk();
        stop();
        Path away = takeAway(disk);
        Files.write(disk, new byte[SIZE]);
        start();
        assertTrue(causeOfDisk().contains("is not the device that the origin was"), causeOfDisk());
        stop();
        Files.delete(disk);
        Files.move(away, disk);
        start();
        assertArrayEquals(old, read("disk", SIZE));
    }

    /** The origin is away, so nobody holds the store; its name says nothing. */
    @Test
    void aRecordedStoreByAnotherNameCannotBecomeAnOriginOrAStore() throws Exception {
        Path store = createDiskWithSnapshot();
        fill("disk@s", 0, PIECE, 's');
        stop();
        final Path away = takeAway(disk);
        Path renamed = Files.move(store, directory.resolve("renamed.img"));
        Path other = Files.write(directory.resolve("other.img"), new byte[SIZE]);
        start();
        refused("'name':'other','origin':'" + renamed + "'", "is the store of snapshot disk@s");
        create("'name':'other','origin':'" + other + "'");
        refused("'name':'other@s','store':'" + renamed + "'", "is the store of snapshot disk@s");
        refused("'name':'other@s','store':'" + away + "'", "is origin disk, by another name");
        stop();
        Files.move(renamed, store);
        Files.move(away, disk);
        start();
        byte[] expected = filled(0, PIECE, 's');
        assertArrayEquals(expected, read("disk@s", SIZE));
        assertArrayEquals(old, Arrays.copyOf(read("disk", SIZE), SIZE));
    }
}
