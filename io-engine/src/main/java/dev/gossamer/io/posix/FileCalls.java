package dev.gossamer.io.posix;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.FileEngine.FileAction;
import dev.gossamer.io.buffer.ZeroMemory;
import dev.gossamer.io.libc.Libc;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Carries out one action by blocking system calls, on the calling thread. */
final class FileCalls {
    private FileCalls() {}

    /** Answers an errno. Does not complete the request. */
    static int run(FileAction action, int fd, BlockRequest request) {
        int errno =
                switch (action) {
                    case READ -> read(fd, request);
                    case WRITE -> write(fd, request);
                    case ZERO_FILL -> fillWithZeros(fd, request);
                    case SYNC -> sync(fd);
                    case PUNCH_HOLE -> allocate(fd, request, Libc.FALLOC_FL_PUNCH_HOLE | Libc.FALLOC_FL_KEEP_SIZE);
                    case ZERO_RANGE -> allocate(fd, request, Libc.FALLOC_FL_ZERO_RANGE | Libc.FALLOC_FL_KEEP_SIZE);
                    case BLOCK_DISCARD -> discard(fd, request);
                };
        boolean changes = action != FileAction.READ && action != FileAction.SYNC;
        return errno == Errno.OK && changes && request.hasFlag(BlockRequest.FUA) ? sync(fd) : errno;
    }

    private static int read(int fd, BlockRequest request) {
        long address = request.address();
        long offset = request.offsetBytes();
        long length = request.lengthBytes();
        long done = 0;
        while (done < length) {
            long count = Libc.CALLS.pread(fd, address + done, length - done, offset + done);
            if (count > 0) {
                done += count;
            } else if (count == 0) {
                return Errno.EIO; // the file was cut short while it was open
            } else if (Libc.errno() != Errno.EINTR) {
                return Libc.errno();
            }
        }
        return Errno.OK;
    }

    private static int write(int fd, BlockRequest request) {
        long address = request.address();
        long offset = request.offsetBytes();
        long length = request.lengthBytes();
        long done = 0;
        while (done < length) {
            long count = Libc.CALLS.pwrite(fd, address + done, length - done, offset + done);
            if (count > 0) {
                done += count;
            } else if (count == 0) {
                return Errno.EIO;
            } else if (Libc.errno() != Errno.EINTR) {
                return Libc.errno();
            }
        }
        return Errno.OK;
    }

    private static int fillWithZeros(int fd, BlockRequest request) {
        long offset = request.offsetBytes();
        long end = offset + request.lengthBytes();
        while (offset < end) {
            long step = Math.min(end - offset, ZeroMemory.LENGTH_BYTES);
            long count = Libc.CALLS.pwrite(fd, ZeroMemory.ADDRESS, step, offset);
            if (count > 0) {
                offset += count;
            } else if (count == 0) {
                return Errno.EIO;
            } else if (Libc.errno() != Errno.EINTR) {
                return Libc.errno();
            }
        }
        return Errno.OK;
    }

    private static int sync(int fd) {
        while (Libc.CALLS.fdatasync(fd) != 0) {
            int errno = Libc.errno();
            if (errno != Errno.EINTR) {
                return errno;
            }
        }
        return Errno.OK;
    }

    private static int discard(int fd, BlockRequest request) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment range = arena.allocate(ValueLayout.JAVA_LONG, 2);
            range.setAtIndex(ValueLayout.JAVA_LONG, 0, request.offsetBytes());
            range.setAtIndex(ValueLayout.JAVA_LONG, 1, request.lengthBytes());
            while (Libc.CALLS.ioctl(fd, Libc.BLKDISCARD, range.address()) != 0) {
                int errno = Libc.errno();
                if (errno != Errno.EINTR) {
                    return errno;
                }
            }
        }
        return Errno.OK;
    }

    private static int allocate(int fd, BlockRequest request, int mode) {
        while (Libc.CALLS.fallocate(fd, mode, request.offsetBytes(), request.lengthBytes()) != 0) {
            int errno = Libc.errno();
            if (errno != Errno.EINTR) {
                return errno;
            }
        }
        return Errno.OK;
    }
}
