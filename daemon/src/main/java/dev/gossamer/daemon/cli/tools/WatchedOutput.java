package dev.gossamer.daemon.cli.tools;

import java.io.IOException;
import java.io.OutputStream;
import java.util.function.UnaryOperator;

/** Passes bytes on, unbuffered; whoever watches hears of each failure first, and says what is thrown. */
public final class WatchedOutput extends OutputStream {
    private final OutputStream out;
    private final UnaryOperator<IOException> failed;

    /** @param failed given what was thrown, answers what shall be */
    public WatchedOutput(OutputStream out, UnaryOperator<IOException> failed) {
        this.out = out;
        this.failed = failed;
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
            throw failed.apply(e);
        }
    }
}
