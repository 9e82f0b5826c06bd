package dev.gossamer.thin.device;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.io.worker.WorkerIo;
import dev.gossamer.thin.catalog.ExternalOrigin;
import java.util.concurrent.CompletableFuture;

/**
 * Looks at devices that new volumes shall be over, before the pool takes them. The worker goes on meanwhile: a device
 * that is slow, or never answers, keeps back whoever asked for it and nobody else. Worker's thread.
 */
public final class OriginExaminations {
    /** Each has a request and a sample's memory of the worker; it is administrators who wait for them. */
    public static final int MAX_AT_ONCE = 16;

    private static final String NO_MEMORY = "there is no memory to look at an origin";

    private final IoLoop loop;
    private int underWay;
    private boolean stopped;
    private Runnable whenIdle = () -> {};

    public OriginExaminations(IoLoop loop) {
        this.loop = loop;
    }

    /**
     * Reads what tells an open device from others.
     *
     * @param answer fails with {@link StorageException} if it cannot be an origin, and the device is closed by then
     */
    public void begin(String location, BlockDevice device, CompletableFuture<ExternalOrigin> answer) {
        Examination examination;
        try {
            examination = new Examination(location, device, answer);
        } catch (RuntimeException | Error noMemory) {
            device.close();
            answer.completeExceptionally(noMemory);
            return;
        }
        underWay++;
        if (stopped) {
            examination.fail(Errno.ESHUTDOWN, location + ": the pool is being closed");
        } else if (underWay > MAX_AT_ONCE) {
            examination.fail(
                    Errno.EBUSY,
                    location + ": " + MAX_AT_ONCE + " other devices are being looked at for new volumes, and have not"
                            + " answered yet; try again when they have");
        } else {
            examination.begin();
        }
    }

    /** The pool is being closed: none is taken any more, and those under way end with the read that they wait for. */
    public void stop() {
        stopped = true;
    }

    /** Calls back once, when no read is under way. After {@link #stop}. */
    public void close(Runnable whenNone) {
        if (underWay == 0) {
            whenNone.run();
        } else {
            whenIdle = whenNone;
        }
    }

    private final class Examination {
        private final String location;
        private final BlockDevice device;
        private final CompletableFuture<ExternalOrigin> answer;
        private final WorkerIo io = new WorkerIo(loop, this::fail);
        private OriginSamples samples;
        private IoBuffer buffer;
        private boolean ended;

        Examination(String location, BlockDevice device, CompletableFuture<ExternalOrigin> answer) {
            this.location = location;
            this.device = device;
            this.answer = answer;
        }

        void begin() {
            try {
                samples = new OriginSamples(location, device);
                io.withBuffer(OriginSamples.BYTES, memory -> {
                    buffer = memory;
                    try {
                        readNext();
                    } catch (RuntimeException | Error bug) {
                        fail(bug); // which gives the memory back
                    }
                });
            } catch (StorageException e) {
                fail(e.errno(), e.getMessage());
            } catch (RuntimeException | Error bug) {
                fail(bug);
            }
        }

        private void readNext() {
            if (stopped) {
                fail(Errno.ESHUTDOWN, location + ": the pool is being closed");
            } else if (samples.isComplete()) {
                ExternalOrigin found = samples.record();
                if (end()) {
                    answer.complete(found);
                }
            } else {
                io.read(device, samples.offsetBytes(), samples.lengthBytes(), buffer, 0, this::read);
            }
        }

        private void read(int errno) {
            if (errno == Errno.OK) {
                samples.take(buffer);
                readNext();
            } else {
                // Not the device's error, which would look like one of the pool's own.
                fail(
                        Errno.ENODEV,
                        location + ": reading " + samples.lengthBytes() + " bytes at " + samples.offsetBytes()
                                + " failed: " + Errno.name(errno));
            }
        }

        private void fail(Throwable bug) {
            try {
                fail(Errno.ENODEV, location + ": " + Reason.of(bug));
            } catch (OutOfMemoryError noWords) {
                fail(Errno.ENODEV, NO_MEMORY);
            }
        }

        private void fail(int errno, String why) {
            if (end()) {
                device.close();
                try {
                    answer.completeExceptionally(new StorageException(errno, why));
                } catch (OutOfMemoryError noMemory) {
                    answer.completeExceptionally(noMemory);
                }
            }
        }

        /** @return false if it has ended before */
        private boolean end() {
            if (ended) {
                return false;
            }
            ended = true;
            if (buffer != null) {
                buffer.release();
            }
            if (--underWay == 0 && stopped) {
                whenIdle.run();
            }
            return true;
        }
    }
}
