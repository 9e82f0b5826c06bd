package dev.gossamer.daemon.cli.tools;

import dev.gossamer.io.Reason;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * Where a tool's text goes: standard output, or a file. A file is written under another name beside it and gets its own
 * when it is whole and stable: a tool that fails, or is ended, leaves what was there before.
 */
final class ToolOutput implements AutoCloseable {
    private static final int FILE_TYPE = 0170000;
    private static final int BLOCK_DEVICE = 0060000;

    private final Path file;
    /** What is written: the file itself if it is no regular one; null: standard output. */
    private final Path part;

    private final FileChannel channel;
    private final OutputStream stream;
    private boolean whole;

    /**
     * Opens it.
     *
     * @param file null: standard output
     * @param input of the tool, which is not overwritten
     */
    ToolOutput(Path file, ToolInput input) throws IOException, ToolFailed {
        if (file == null) {
            this.file = null;
            part = null;
            channel = null;
            stream = named("standard output", new FileOutputStream(FileDescriptor.out));
            return;
        }
        if (input.isFile(file)) {
            throw new ToolFailed(ToolExit.FAILED, file + " is the input itself; name another file");
        }
        if (isBlockDevice(file)) {
            throw new ToolFailed(ToolExit.FAILED, file + " is a block device, and this is not for one; name a file");
        }
        boolean isThere = Files.exists(file);
        this.file = isThere ? file.toRealPath() : file.toAbsolutePath();
        if (isThere && !Files.isRegularFile(file)) {
            part = file;
            channel = FileChannel.open(file, StandardOpenOption.WRITE);
        } else {
            part = this.file.resolveSibling("." + file.getFileName() + ".part-"
                    + ProcessHandle.current().pid());
            channel = FileChannel.open(part, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            part.toFile().deleteOnExit(); // should a signal end the program
            if (isThere) {
                Files.setPosixFilePermissions(part, Files.getPosixFilePermissions(this.file));
            }
        }
        stream = named(file.toString(), Channels.newOutputStream(channel));
    }

    private static boolean isBlockDevice(Path file) throws IOException {
        return Files.exists(file) && ((int) Files.getAttribute(file, "unix:mode") & FILE_TYPE) == BLOCK_DEVICE;
    }

    OutputStream stream() {
        return stream;
    }

    /** Where what was written so far can be read. */
    Path path() {
        return part;
    }

    /** Everything has been written. */
    void done() {
        whole = true;
    }

    @Override
    public void close() throws IOException {
        if (file == null) {
            return;
        }
        boolean isPart = !part.equals(file);
        try (channel) {
            if (whole && isPart) {
                channel.force(true);
                Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
            }
        } finally {
            if (isPart) {
                Files.deleteIfExists(part);
            }
        }
    }

    /** Its failures say what could not be written. */
    private static OutputStream named(String name, OutputStream out) {
        return new WatchedOutput(out, e -> new IOException(name + ": " + Reason.of(e), e));
    }
}
