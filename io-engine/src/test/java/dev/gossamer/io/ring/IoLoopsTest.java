package dev.gossamer.io.ring;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.FileEngine;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.posix.OpenOptions;
import dev.gossamer.io.posix.PosixDevice;
import dev.gossamer.io.posix.PosixFiles;
import dev.gossamer.io.sim.LoopDriver;
import dev.gossamer.io.sim.TestIo;
import dev.gossamer.io.sim.TestIo.Io;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.uring.IoUring;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class IoLoopsTest {
    private static final int BUFFER_BYTES = 32 << 20;
    private static final int NO_FILE = -1;
    private static final int EBADF = 9;

    private static Set<String> ourThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .map(Thread::getName)
                .filter(name -> name.startsWith("gossamer-"))
                .collect(Collectors.toSet());
    }

    private static void assumePossible(IoEngineChoice choice) {
        assumeTrue(choice != IoEngineChoice.RING || IoUring.isAvailable(), "io_uring is not allowed here");
    }

    @ParameterizedTest
    @EnumSource
    void aStartThatFailsLeavesNoThread(IoEngineChoice choice) {
        assumePossible(choice);
        assertEquals(Set.of(), ourThreads());
        assertThrows(IllegalArgumentException.class, () -> IoLoops.start(2, choice, 12_345));
        assertEquals(Set.of(), ourThreads());
    }

    @ParameterizedTest
    @EnumSource
    void closingLeavesNoThread(IoEngineChoice choice) throws Exception {
        assumePossible(choice);
        assertEquals(Set.of(), ourThreads());
        IoLoops loops = IoLoops.start(2, choice, BUFFER_BYTES);
        loops.startWorker("gossamer-worker-0", 1 << 20);
        assertTrue(ourThreads().containsAll(Set.of("gossamer-io-0", "gossamer-io-1", "gossamer-worker-0")));
        loops.close();
        assertEquals(Set.of(), ourThreads());
    }

    @Test
    void theEngineAndTheReasonForItAreKnown() throws Exception {
        try (IoLoops loops = IoLoops.start(1, IoEngineChoice.AUTO, BUFFER_BYTES)) {
            assertEquals(IoUring.isAvailable() ? "io_uring" : "threads", loops.engineName());
            assertEquals(IoUring.isAvailable(), loops.engineReason().isEmpty());
        }
        try (IoLoops loops = IoLoops.start(1, IoEngineChoice.THREADS, BUFFER_BYTES)) {
            assertEquals("threads", loops.engineName());
            assertFalse(loops.engineReason().isEmpty());
        }
    }

    @ParameterizedTest
    @EnumSource
    void loopsHaveIndexesAndAreFoundOnTheirThread(IoEngineChoice choice) throws Exception {
        assumePossible(choice);
        try (IoLoops loops = IoLoops.start(2, choice, BUFFER_BYTES)) {
            NettyLoop worker = loops.startWorker("gossamer-worker-0", 1 << 20);
            assertEquals(2, loops.count());
            assertEquals(2, worker.index());
            for (int i = 0; i < 3; i++) {
                NettyLoop loop = loops.loop(i);
                assertEquals(i, loop.index());
                assertFalse(loop.inLoop());
                LoopDriver.ofThread(loop).run(() -> {
                    assertTrue(loop.inLoop());
                    assertSame(loop, NettyLoop.of(loop.eventLoop()));
                });
            }
            assertThrows(AssertionError.class, () -> NettyLoop.of(loops.loop(0).eventLoop()));
        }
    }

    /** Times of a loop are compared with those that other threads take. */
    @ParameterizedTest
    @EnumSource(IoEngineChoice.class)
    void aLoopHasTheClockOfTheProcess(IoEngineChoice choice) throws Exception {
        assumePossible(choice);
        try (IoLoops loops = IoLoops.start(1, choice, 1 << 20)) {
            long before = System.nanoTime();
            long now = loops.loop(0).nanoTime();
            assertTrue(now - before >= 0 && System.nanoTime() - now >= 0, "another clock");
        }
    }

    @ParameterizedTest
    @EnumSource
    void scheduledTasksRun(IoEngineChoice choice) throws Exception {
        assumePossible(choice);
        try (IoLoops loops = IoLoops.start(1, choice, BUFFER_BYTES)) {
            CountDownLatch latch = new CountDownLatch(1);
            loops.loop(0).schedule(latch::countDown, 1_000_000);
            assertTrue(latch.await(30, TimeUnit.SECONDS));
        }
    }

    /** More than the slots of a ring: the rest waits in line. */
    @ParameterizedTest
    @EnumSource
    void tenThousandRequestsInFlightAllComplete(IoEngineChoice choice) throws Exception {
        assumePossible(choice);
        Path file = Path.of("target", "ten-thousand");
        Files.deleteIfExists(file);
        PosixFiles.create(file, 10_000 * 4096L);
        try (IoLoops loops = IoLoops.start(1, choice, 64 << 20);
                PosixDevice device = PosixDevice.open(file, OpenOptions.READ_WRITE)) {
            List<Io> ios = new ArrayList<>();
            for (int i = 0; i < 10_000; i++) {
                ios.add(i % 3 == 0 ? Io.write(i * 4096L, new byte[] {(byte) i, 1, 2, 3}, 0) : Io.read(i * 4096L, 4096));
            }
            ios.replaceAll(io -> io.data.length == 4 ? Io.write(io.offsetBytes, page(io.data), 0) : io);
            TestIo io = new TestIo(device, LoopDriver.ofThread(loops.loop(0)));
            io.runTogether(ios);
            ios.forEach(done -> assertEquals(Errno.OK, done.errno, done::toString));
            assertArrayEquals(page(new byte[] {(byte) 9999, 1, 2, 3}), io.read(9999 * 4096L, 4096));
        } finally {
            Files.delete(file);
        }
    }

    private static byte[] page(byte[] start) {
        return Arrays.copyOf(start, 4096);
    }

    @ParameterizedTest
    @EnumSource
    void errorsOfTheKernelReachTheRequest(IoEngineChoice choice) throws Exception {
        assumePossible(choice);
        Path file = Path.of("target", "cut-short");
        Files.deleteIfExists(file);
        PosixFiles.create(file, 1 << 20);
        try (IoLoops loops = IoLoops.start(1, choice, BUFFER_BYTES);
                PosixDevice device = PosixDevice.open(file, OpenOptions.READ_WRITE)) {
            Files.write(file, new byte[0]);
            TestIo io = new TestIo(device, LoopDriver.ofThread(loops.loop(0)));
            assertEquals(Errno.EIO, io.run(Io.read(4096, 4096)));
            CompletableFuture<Integer> result = new CompletableFuture<>();
            loops.loop(0).execute(() -> {
                IoLoop loop = loops.loop(0);
                BlockRequest request = loop.requests().acquire().command(BlockOperation.FLUSH, 0, 0, 0);
                request.push((done, errno) -> {
                    done.recycle();
                    result.complete(errno);
                });
                loop.files().submit(FileEngine.FileAction.SYNC, NO_FILE, request);
            });
            assertEquals(EBADF, result.get(30, TimeUnit.SECONDS));
        } finally {
            Files.delete(file);
        }
    }

    /** tmpfs has no ZERO_RANGE, so zeros are written in pieces, then FUA adds a sync: an action of several steps. */
    @ParameterizedTest
    @EnumSource
    void aZeroFillGoesOnUntilTheEndOfItsRange(IoEngineChoice choice) throws Exception {
        assumePossible(choice);
        Path shm = Path.of("/dev/shm");
        assumeTrue(Files.isWritable(shm) && Files.getFileStore(shm).type().equals("tmpfs"), "no tmpfs");
        Path file = shm.resolve("gossamer-zero-fill-" + ProcessHandle.current().pid());
        byte[] content = new byte[5 << 20];
        Arrays.fill(content, (byte) 1);
        Files.write(file, content);
        int offset = 4096;
        int length = (3 << 20) + 512;
        try (IoLoops loops = IoLoops.start(1, choice, BUFFER_BYTES);
                PosixDevice device = PosixDevice.open(file, new OpenOptions(false, true))) {
            TestIo io = new TestIo(device, LoopDriver.ofThread(loops.loop(0)));
            assertEquals(
                    Errno.OK,
                    io.command(BlockOperation.WRITE_ZEROES, offset, length, BlockRequest.NO_UNMAP | BlockRequest.FUA));
            Arrays.fill(content, offset, offset + length, (byte) 0);
            assertArrayEquals(content, Files.readAllBytes(file));
        } finally {
            Files.delete(file);
        }
    }

    /** Sockets and their loop: the child of a server channel lives on a loop of ours. */
    @ParameterizedTest
    @EnumSource
    void aConnectionLivesOnALoop(IoEngineChoice choice) throws Exception {
        assumePossible(choice);
        Path socket = Path.of("target", "loops.sock");
        Files.deleteIfExists(socket);
        List<Integer> indexes = new ArrayList<>();
        try (IoLoops loops = IoLoops.start(1, choice, BUFFER_BYTES)) {
            ServerBootstrap bootstrap = new ServerBootstrap()
                    .group(loops.nettyGroup())
                    .channel(loops.unixServerChannel())
                    .childHandler(new ChannelInitializer<Channel>() {
                        @Override
                        protected void initChannel(Channel channel) {
                            indexes.add(NettyLoop.of(channel.eventLoop()).index());
                            channel.pipeline().addLast(new Echo());
                        }
                    });
            Channel server = bootstrap.bind(loops.unixAddress(socket)).sync().channel();
            try (SocketChannel client = SocketChannel.open(StandardProtocolFamily.UNIX)) {
                client.connect(UnixDomainSocketAddress.of(socket));
                client.write(ByteBuffer.wrap(new byte[] {42}));
                ByteBuffer answer = ByteBuffer.allocate(1);
                assertEquals(1, client.read(answer));
                assertEquals(42, answer.get(0));
            }
            server.close().sync();
        } finally {
            Files.deleteIfExists(socket);
        }
        assertEquals(List.of(0), indexes);
    }

    private static final class Echo extends ChannelInboundHandlerAdapter {
        @Override
        @SuppressWarnings("FutureReturnValueIgnored") // the void promise reports errors to the pipeline
        public void channelRead(ChannelHandlerContext context, Object message) {
            context.writeAndFlush(message, context.voidPromise());
        }
    }
}
