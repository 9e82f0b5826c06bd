package dev.gossamer.daemon.cli.tools;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** Where a tool's text goes: a file, which is gone again if the tool fails, or standard output. */
final class ToolOutput implements AutoCloseable {
    private final Path file;
    private final OutputStream stream;
    private boolean whole;

    /** @param file null: standard output */
    ToolOutput(Path file) throws IOException {
        this.file = file;
        this.stream = file == null ? new FileOutputStream(FileDescriptor.out) : Files.newOutputStream(file);
    }

    OutputStream stream() {
        return stream;
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
        stream.close();
        if (!whole && Files.isRegularFile(file)) {
            Files.delete(file);
        }
    }
}
