package dev.gossamer.daemon.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.server.access.TlsSettings;
import dev.gossamer.daemon.server.connection.ConnectionLimits;
import dev.gossamer.io.Errno;
import dev.gossamer.io.ring.IoEngineChoice;
import dev.gossamer.io.ring.IoLoops;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdError;
import dev.gossamer.nbd.wire.NbdFlags;
import dev.gossamer.nbd.wire.NbdReply;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** READs over data and holes (NBD T14, T17 to T19, T39). Every 64 KiB of the disk with an odd number is a hole. */
@Timeout(60)
class SparseReadTest {
    private static final int DISK_BYTES = 1 << 20;
    private static final int PIECE_BYTES = 64 << 10;

    @TempDir
    private Path directory;

    private final MemoryDevice device = new MemoryDevice(DISK_BYTES);
    private final byte[] contents = new byte[DISK_BYTES];
    private ServedExports served;
    private NbdTestClient client;

    @BeforeEach
    void serveAndFill() throws IOException {
        IoLoops loops = IoLoops.start(1, IoEngineChoice.AUTO, 64 << 20);
        OneExport export = new OneExport(device, DISK_BYTES, SparseReadTest::isHole);
        NbdServer server = new NbdServer(loops, export, ConnectionLimits.DEFAULT, TlsSettings.OFF);
        served = new ServedExports(loops, server, directory);
        client = NbdTestClient.structured(served.socket(), OneExport.NAME);
        Seeds.random(1).nextBytes(contents);
        client.write(1, 0, contents);
        client.reply(0);
        for (int at = PIECE_BYTES; at < DISK_BYTES; at += 2 * PIECE_BYTES) {
            // The device keeps its bytes there: who gets to see them was not answered from the layout.
            Arrays.fill(contents, at, at + PIECE_BYTES, (byte) 0);
        }
    }

    @AfterEach
    void everythingIsGivenBack() throws Exception {
        client.close();
        served.closeEmpty();
    }

    private static boolean isHole(long offset) {
        return offset / PIECE_BYTES % 2 == 1;
    }

    /** Puts a whole reply together, checking that its chunks cover each byte once and in order (T17). */
    private byte[] readWhole(int offset, int length, int expectedHoles) throws IOException {
        client.read(7, offset, length);
        byte[] read = new byte[length];
        int position = 0;
        int holes = 0;
        NbdTestClient.Chunk chunk;
        do {
            assertTrue(position < length, "chunks go on behind the end");
            chunk = client.chunk();
            assertEquals(7, chunk.cookie());
            assertEquals(offset + position, chunk.payload().getLong());
            int bytes;
            if (chunk.type() == NbdReply.CHUNK_OFFSET_HOLE) {
                holes++;
                bytes = chunk.payload().getInt();
            } else {
                assertEquals(NbdReply.CHUNK_OFFSET_DATA, chunk.type());
                bytes = chunk.payload().remaining();
                chunk.payload().get(read, position, bytes);
            }
            assertTrue(bytes > 0);
            position += bytes;
        } while (!chunk.done());
        assertEquals(length, position);
        assertEquals(expectedHoles, holes);
        return read;
    }

    private byte[] expected(int offset, int length) {
        return Arrays.copyOfRange(contents, offset, offset + length);
    }

    /** Each run has a header, in memory that no reader's slowness may multiply: what is too much comes in one piece. */
    @Test
    void runsThatAreUnderWayTogetherAreLimited() throws Exception {
        int reads = 20;
        int sparse = 256 / (DISK_BYTES / PIECE_BYTES);
        device.hold();
        for (int i = 0; i < reads; i++) {
            client.read(i, 0, DISK_BYTES);
        }
        while (served.server().connections().list().get(0).counters().inFlight() < reads) {
            Thread.sleep(1); // They take turns: not all are at the device.
        }
        device.releaseAll();
        int whole = 0;
        for (int i = 0; i < reads; i++) {
            NbdTestClient.Chunk chunk = client.chunk();
            whole += chunk.payload().remaining() == 8 + DISK_BYTES ? 1 : 0;
            while (!chunk.done()) {
                chunk = client.chunk();
            }
        }
        assertEquals(reads - sparse, whole);
    }

    @Test
    void holesAreNamedAndDataIsSentT17T18() throws IOException {
        long before = served.server().connections().totals().bytesRead();
        assertArrayEquals(expected(0, DISK_BYTES), readWhole(0, DISK_BYTES, 8));
        assertEquals(
                DISK_BYTES / 2, served.server().connections().totals().bytesRead() - before, "zeros were read or sent");
    }

    @Test
    void anyRangeIsPutTogetherRight() throws IOException {
        Random random = Seeds.random(2);
        for (int i = 0; i < 200; i++) {
            int offset = random.nextInt(DISK_BYTES);
            int length = 1 + random.nextInt(Math.min(DISK_BYTES - offset, 5 * PIECE_BYTES));
            client.read(7, offset, length);
            byte[] read = new byte[length];
            NbdTestClient.Chunk chunk;
            do {
                chunk = client.chunk();
                int at = (int) (chunk.payload().getLong() - offset);
                if (chunk.type() == NbdReply.CHUNK_OFFSET_DATA) {
                    chunk.payload().get(read, at, chunk.payload().remaining());
                }
            } while (!chunk.done());
            for (int at = 0; at < length; at++) {
                // A hole shorter than 4 KiB is read as data, whatever the device has there.
                boolean holeEdge = isHole(offset + at) && read[at] != 0;
                assertTrue(holeEdge || read[at] == contents[offset + at], "byte " + (offset + at));
            }
        }
    }

    @Test
    void aHoleTooShortToPayIsPlainDataT18() throws IOException {
        client.read(7, 0, PIECE_BYTES + 4095);
        NbdTestClient.Chunk chunk = client.chunk();
        assertTrue(chunk.done());
        assertEquals(NbdReply.CHUNK_OFFSET_DATA, chunk.type());
        assertEquals(Long.BYTES + PIECE_BYTES + 4095, chunk.payload().remaining());
    }

    @Test
    void withDontFragmentThereIsOneChunkT19() throws IOException {
        client.request(NbdCommand.READ, NbdFlags.CMD_DF, 7, 0, 3 * PIECE_BYTES);
        NbdTestClient.Chunk chunk = client.chunk();
        assertTrue(chunk.done());
        assertEquals(NbdReply.CHUNK_OFFSET_DATA, chunk.type());
        assertEquals(Long.BYTES + 3 * PIECE_BYTES, chunk.payload().remaining());
        client.request(NbdCommand.READ, NbdFlags.CMD_DF, 8, PIECE_BYTES, PIECE_BYTES);
        assertEquals(NbdReply.CHUNK_OFFSET_HOLE, client.chunk().type());
    }

    @Test
    void anErrorTellsWhichPieceFailedT14T39() throws IOException {
        device.failWith(Errno.EIO);
        client.read(7, PIECE_BYTES, 2 * PIECE_BYTES);
        NbdTestClient.Chunk chunk = client.chunk();
        assertTrue(chunk.done());
        assertEquals(NbdReply.CHUNK_ERROR_OFFSET, chunk.type());
        ByteBuffer payload = chunk.payload();
        assertEquals(NbdError.EIO, payload.getInt());
        payload.position(payload.getShort() + Integer.BYTES + Short.BYTES);
        assertEquals(2 * PIECE_BYTES, payload.getLong(), "where the failed piece begins");
        assertFalse(payload.hasRemaining());
        device.failWith(Errno.OK);
        assertArrayEquals(expected(0, PIECE_BYTES), readWhole(0, PIECE_BYTES, 0), "the connection goes on (T12)");
    }

    @Test
    void cacheIsAnsweredT33() throws IOException {
        client.request(NbdCommand.CACHE, 0, 3, 0, DISK_BYTES);
        assertEquals(3, client.reply(0).cookie());
        client.request(NbdCommand.CACHE, 0, 4, 0, 0);
        assertEquals(NbdError.OK, client.reply(0).error());
        client.request(NbdCommand.CACHE, 0, 5, DISK_BYTES, 1);
        assertEquals(NbdReply.CHUNK_ERROR, client.chunk().type());
    }
}
