package dev.gossamer.daemon.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.gossamer.daemon.cli.tools.WatchedOutput;
import java.io.BufferedWriter;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Where commands print to. A print writer forgets why it could not write; this one knows, so that nobody takes a result
 * that a full disk has swallowed for one that was printed.
 */
final class StandardOutput extends PrintWriter {
    /** The first one. */
    private final AtomicReference<IOException> failure;

    /** Of this process. */
    StandardOutput() {
        this(new FileOutputStream(FileDescriptor.out));
    }

    StandardOutput(OutputStream out) {
        this(out, new AtomicReference<>());
    }

    private StandardOutput(OutputStream out, AtomicReference<IOException> failure) {
        super(new BufferedWriter(new OutputStreamWriter(watched(out, failure), UTF_8)), true);
        this.failure = failure;
    }

    private static OutputStream watched(OutputStream out, AtomicReference<IOException> failure) {
        return new WatchedOutput(out, e -> {
            failure.compareAndSet(null, e);
            return e;
        });
    }

    /** Writes the rest. @return why something could not be written; null: all was, or the reader had enough of it */
    IOException failure() {
        flush();
        IOException first = failure.get();
        return first == null || String.valueOf(first.getMessage()).contains("Broken pipe") ? null : first;
    }
}
