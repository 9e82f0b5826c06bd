package dev.gossamer.daemon.cli.tools;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * The place beside a file where a tool writes what is to become that file. It gets the file's name when it is whole and
 * stable, and with it the rights of the one that was there; else it is gone again, when a signal ends the program, too.
 */
final class PartFile implements AutoCloseable {
    private final Path file;
    private final Path part;
    private boolean whole;

    /** @param wanted what it is to become; there may be one, which stays as it is until then */
    PartFile(Path wanted) throws IOException {
        file = Files.exists(wanted) ? wanted.toRealPath() : wanted.toAbsolutePath();
        part = file.resolveSibling(
                "." + file.getFileName() + ".part-" + ProcessHandle.current().pid());
        part.toFile().deleteOnExit();
    }

    /** Where to write. */
    Path path() {
        return part;
    }

    /** Everything has been written there. */
    void done() {
        whole = true;
    }

    @Override
    public void close() throws IOException {
        try {
            if (whole) {
                if (Files.exists(file)) {
                    Files.setPosixFilePermissions(part, Files.getPosixFilePermissions(file));
                }
                try (FileChannel channel = FileChannel.open(part, StandardOpenOption.WRITE)) {
                    channel.force(true);
                }
                Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
                try (FileChannel folder = FileChannel.open(file.getParent(), StandardOpenOption.READ)) {
                    folder.force(true);
                }
            }
        } finally {
            Files.deleteIfExists(part);
        }
    }
}
