package dev.gossamer.it;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.extension.AnnotatedElementContext;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.io.TempDirFactory;

/**
 * Makes JUnit's temporary directories under {@code target/it}; the names are short because of the 107 bytes of a socket
 * path.
 */
public final class ScratchDirectories implements TempDirFactory {

    @Override
    public Path createTempDirectory(AnnotatedElementContext elementContext, ExtensionContext extensionContext)
            throws IOException {
        Path parent = Files.createDirectories(Path.of("target", "it").toAbsolutePath());
        return Files.createTempDirectory(parent, "");
    }
}
