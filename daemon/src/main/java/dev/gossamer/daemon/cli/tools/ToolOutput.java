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
import java.nio.file.StandardOpenOption;

/**
 * Where a tool's text goes: standard output, or a file. A file is written under another name beside it and gets its own
 * when it is whole and stable: a tool that fails, or is ended, leaves what was there before.
 */
final class ToolOutput implements AutoCloseable {
    private static final int FILE_TYPE = 0170000;
    private static final int BLOCK_DEVICE = 0060000;

    /** Null: what is written is the file itself, no regular one, or standard output. */
    private final PartFile part;

    private final Path written;
    private final FileChannel channel;
    private final OutputStream stream;

    /**
     * Opens it.
     *
     * @param file null: standard output
     * @param input of the tool, which is not overwritten
     */
    ToolOutput(Path file, ToolInput input) throws IOException, ToolFailed {
        if (file == null) {
            part = null;
            written = null;
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
        if (Files.exists(file) && !Files.isRegularFile(file)) {
            part = null;
            written = file;
            channel = FileChannel.open(file, StandardOpenOption.WRITE);
        } else {
            part = new PartFile(file);
            written = part.path();
            channel = FileChannel.open(written, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        }
        stream = named(file.toString(), Channels.newOutputStream(channel));
    }

    private static boolean isBlockDevice(Path file) throws IOException {
        return Files.exists(file) && ((int) Files.getAttribute(file, "unix:mode") & FILE_TYPE) == BLOCK_DEVICE;
    }

    OutputStream stream() {
        return stream;
    }

    /** For what is not written from front to back; not of standard output. */
    FileChannel channel() {
        return channel;
    }

    /** Where what was written so far can be read. */
    Path path() {
        return written;
    }

    /** Everything has been written. */
    void done() {
        if (part != null) {
            part.done();
        }
    }

    @Override
    public void close() throws IOException {
        try (part;
                channel) {
            // The channel is closed first.
        }
    }

    /** Its failures say what could not be written. */
    private static OutputStream named(String name, OutputStream out) {
        return new WatchedOutput(out, e -> new IOException(name + ": " + Reason.of(e), e));
    }
}
