package dev.gossamer.daemon.cli;

import dev.gossamer.nbd.wire.NbdText;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.Charset;

/**
 * Where the log goes. Each line that is printed is one line there, and moves nothing on a terminal, whatever a name, a
 * certificate, a server or a file in it says: what is no letter, digit, punctuation or tab becomes a question mark.
 */
final class StandardError extends PrintStream {
    StandardError(OutputStream out, Charset charset) {
        super(out, true, charset);
    }

    @Override
    public void println(String line) {
        super.println(oneLine(line));
    }

    /** As a stack trace is printed. */
    @Override
    public void println(Object line) {
        println(String.valueOf(line));
    }

    /** The text as one line. */
    static String oneLine(String text) {
        if (text == null || text.chars().allMatch(c -> c >= ' ' && c < 0x7f)) {
            return text;
        }
        StringBuilder line = new StringBuilder(text.length());
        String[] parts = text.split("\t", -1); // a stack trace is indented by them
        for (int i = 0; i < parts.length; i++) {
            line.append(i == 0 ? "" : "\t").append(NbdText.shown(parts[i], Integer.MAX_VALUE));
        }
        return line.toString();
    }
}
