package dev.gossamer.daemon.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedWriter;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;

/**
 * Where commands print to. A print writer forgets why it could not write; this one knows, so that nobody takes a result
 * that a full disk has swallowed for one that was printed.
 */
final class StandardOutput extends PrintWriter {
    private final Watched stream;

    /** Of this process. */
    StandardOutput() {
        this(new Watched(new FileOutputStream(FileDescriptor.out)));
    }

    StandardOutput(OutputStream out) {
        this(new Watched(out));
    }

    private StandardOutput(Watched stream) {
        super(new BufferedWriter(new OutputStreamWriter(stream, UTF_8)), true);
        this.stream = stream;
    }

    /** Writes the rest. @return why something could not be written; null: all was, or the reader had enough of it */
    IOException failure() {
        flush();
        return stream.failure == null
                        || String.valueOf(stream.failure.getMessage()).contains("Broken pipe")
                ? null
                : stream.failure;
    }

    private static final class Watched extends OutputStream {
        private final OutputStream out;
        private IOException failure;

        Watched(OutputStream out) {
            this.out = out;
        }

        @Override
        public void write(int one) throws IOException {
            write(new byte[] {(byte) one}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            try {
                out.write(bytes, offset, length);
            } catch (IOException e) {
                failure = failure == null ? e : failure;
                throw e;
            }
        }
    }
}
