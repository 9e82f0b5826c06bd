package dev.gossamer.io.sim;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.buffer.IoBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** Byte arrays in, byte arrays out: requests to a device from a test thread, one at a time or many together. */
public final class TestIo {

    /** A request to make, and after {@link #run} its outcome. */
    public static final class Io {
        public final BlockOperation operation;
        public final long offsetBytes;
        public final long lengthBytes;
        public final int flags;
        /** What to write, or where a READ's result arrives. */
        public final byte[] data;
        /** Result; -1 while it is missing. */
        public volatile int errno = -1;

        private int completions;

        private Io(BlockOperation operation, long offsetBytes, long lengthBytes, int flags, byte[] data) {
            this.operation = operation;
            this.offsetBytes = offsetBytes;
            this.lengthBytes = lengthBytes;
            this.flags = flags;
            this.data = data;
        }

        public static Io read(long offsetBytes, int lengthBytes) {
            return new Io(BlockOperation.READ, offsetBytes, lengthBytes, 0, new byte[lengthBytes]);
        }

        public static Io write(long offsetBytes, byte[] data, int flags) {
            return new Io(BlockOperation.WRITE, offsetBytes, data.length, flags, data);
        }

        public static Io command(BlockOperation operation, long offsetBytes, long lengthBytes, int flags) {
            return new Io(operation, offsetBytes, lengthBytes, flags, null);
        }

        @Override
        public String toString() {
            return operation + " offset=" + offsetBytes + " length=" + lengthBytes + " flags=" + flags;
        }
    }

    private final BlockDevice device;
    private final LoopDriver driver;

    public TestIo(BlockDevice device, LoopDriver driver) {
        this.device = device;
        this.driver = driver;
    }

    public BlockDevice device() {
        return device;
    }

    /** Reads, expecting success. */
    public byte[] read(long offsetBytes, int lengthBytes) throws InterruptedException {
        Io io = Io.read(offsetBytes, lengthBytes);
        assertEquals(Errno.OK, run(io), io::toString);
        return io.data;
    }

    /** Writes, expecting success. */
    public void write(long offsetBytes, byte[] data) throws InterruptedException {
        Io io = Io.write(offsetBytes, data, 0);
        assertEquals(Errno.OK, run(io), io::toString);
    }

    /** Flushes, expecting success. */
    public void flush() throws InterruptedException {
        assertEquals(Errno.OK, command(BlockOperation.FLUSH, 0, 0, 0), "FLUSH");
    }

    /** FLUSH, DISCARD or WRITE_ZEROES; answers the errno. */
    public int command(BlockOperation operation, long offsetBytes, long lengthBytes, int flags)
            throws InterruptedException {
        return run(Io.command(operation, offsetBytes, lengthBytes, flags));
    }

    /** Carries out one request and answers its errno. */
    public int run(Io io) throws InterruptedException {
        runTogether(List.of(io));
        return io.errno;
    }

    /**
     * Submits all of them in one task of the loop and waits for the last; their errnos are in them. Checks that each
     * completes once, on the loop, and that the loop gets everything back.
     */
    public void runTogether(List<Io> ios) throws InterruptedException {
        CountDownLatch latch = new CountDownLatch(ios.size());
        IoLoop loop = driver.loop();
        List<String> wrong = new ArrayList<>();
        driver.run(() -> {
            for (Io io : ios) {
                submit(io, loop, latch, wrong);
            }
        });
        driver.await(latch);
        // A second completion would most likely follow at once; this runs after it.
        driver.run(() -> {
            for (Io io : ios) {
                assertEquals(1, io.completions, () -> io + " completed more than once");
            }
            assertEquals(List.of(), wrong);
        });
    }

    private void submit(Io io, IoLoop loop, CountDownLatch latch, List<String> wrong) {
        boolean transfer = io.operation == BlockOperation.READ || io.operation == BlockOperation.WRITE;
        IoBuffer buffer = transfer ? loop.buffers().acquire((int) io.lengthBytes) : null;
        if (io.operation == BlockOperation.WRITE) {
            buffer.bytes().put(0, io.data);
        }
        BlockRequest request = loop.requests().acquire();
        if (transfer) {
            request.transfer(io.operation, io.offsetBytes, (int) io.lengthBytes, io.flags, buffer, 0);
        } else {
            request.command(io.operation, io.offsetBytes, io.lengthBytes, io.flags);
        }
        BlockCompletion completion = (done, errno) -> {
            io.completions++;
            if (!loop.inLoop()) {
                wrong.add(io + " completed on another thread");
            }
            if (done.offsetBytes() != io.offsetBytes || done.lengthBytes() != io.lengthBytes) {
                wrong.add(io + " came back as " + done);
            }
            if (io.operation == BlockOperation.READ) {
                buffer.bytes().get(0, io.data);
            }
            if (buffer != null) {
                buffer.release();
            }
            done.recycle();
            io.errno = errno;
            latch.countDown();
        };
        request.push(completion);
        device.submit(request);
    }
}
