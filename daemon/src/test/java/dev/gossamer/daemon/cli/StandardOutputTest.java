package dev.gossamer.daemon.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import org.junit.jupiter.api.Test;

final class StandardOutputTest {
    private static StandardOutput failing(String reason) {
        return new StandardOutput(new OutputStream() {
            @Override
            public void write(int one) throws IOException {
                throw new IOException(reason);
            }
        });
    }

    @Test
    void whatCouldNotBeWrittenIsRemembered() {
        StandardOutput full = failing("No space left on device");
        full.print("a result");
        full.print(", and more");
        assertEquals("No space left on device", full.failure().getMessage());
    }

    @Test
    void aReaderWhoHasEnoughIsNoFailure() {
        StandardOutput closed = failing("Broken pipe");
        closed.println("a result");
        assertNull(closed.failure());
    }

    @Test
    void allIsWrittenAsUtf8() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        StandardOutput out = new StandardOutput(bytes);
        out.print("größe");
        assertNull(out.failure());
        assertEquals("größe", bytes.toString(UTF_8));
    }
}
