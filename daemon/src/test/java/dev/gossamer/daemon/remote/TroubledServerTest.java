package dev.gossamer.daemon.remote;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.Errno;
import dev.gossamer.io.sim.TestIo;
import dev.gossamer.io.sim.TestIo.Io;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A71: nbdkit's filters that fail, delay and kill; every answer is right or an error, none is missing. */
@Timeout(120)
class TroubledServerTest {
    private static final int BLOCK = 8192;
    private static final int BLOCKS = 100;

    @TempDir
    private Path directory;

    private ServerProcess server;
    private RemoteRig rig;

    private TestIo open(RemoteSettings settings, String... nbdkit) throws Exception {
        Path socket = directory.resolve("nbd.sock");
        server = ServerProcess.nbdkit(socket, nbdkit);
        rig = new RemoteRig();
        return rig.io(rig.open("nbd+unix:///?socket=" + socket, settings), 1);
    }

    @AfterEach
    void stop() throws Exception {
        rig.close();
        server.close();
    }

    private static byte[] block(int value) {
        byte[] data = new byte[BLOCK];
        Arrays.fill(data, (byte) value);
        return data;
    }

    private static List<Io> writes() {
        List<Io> writes = new ArrayList<>();
        for (int i = 0; i < BLOCKS; i++) {
            writes.add(Io.write((long) i * BLOCK, block(i), 0));
        }
        return writes;
    }

    private static List<Io> reads() {
        List<Io> reads = new ArrayList<>();
        for (int i = 0; i < BLOCKS; i++) {
            reads.add(Io.read((long) i * BLOCK, BLOCK));
        }
        return reads;
    }

    @Test
    void randomErrorsReachTheirRequestsAndNoOthers() throws Exception {
        TestIo io =
                open(RemoteRig.PATIENT, "--filter=error", "memory", "1M", "error-pread=EIO", "error-pread-rate=30%");
        io.runTogether(writes());
        List<Io> reads = reads();
        io.runTogether(reads);
        long failed = reads.stream().filter(read -> read.errno == Errno.EIO).count();
        assertTrue(failed > 0 && failed < BLOCKS, () -> "failed: " + failed);
        for (Io read : reads) {
            if (read.errno != Errno.EIO) {
                assertEquals(Errno.OK, read.errno);
                assertArrayEquals(block((int) (read.offsetBytes / BLOCK)), read.data, read::toString);
            }
        }
    }

    @Test
    void aFullServerSaysSo() throws Exception {
        TestIo io =
                open(RemoteRig.PATIENT, "--filter=error", "memory", "1M", "error-pwrite=ENOSPC", "error-pwrite-rate=1");
        assertEquals(Errno.ENOSPC, io.run(Io.write(0, block(1), 0)));
    }

    @Test
    void delaysAreWaitedForTogether() throws Exception {
        TestIo io = open(RemoteRig.PATIENT, "--filter=delay", "memory", "1M", "delay-read=100ms", "delay-write=100ms");
        io.runTogether(writes());
        List<Io> reads = reads();
        io.runTogether(reads);
        for (Io read : reads) {
            assertArrayEquals(block((int) (read.offsetBytes / BLOCK)), read.data, read::toString);
        }
    }

    @Test
    void aDelayBeyondPatienceIsEio() throws Exception {
        TestIo io = open(RemoteRig.IMPATIENT, "--filter=delay", "memory", "1M", "delay-read=60");
        assertEquals(Errno.EIO, io.run(Io.read(0, BLOCK)));
    }
}
