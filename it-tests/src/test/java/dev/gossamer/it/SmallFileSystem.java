package dev.gossamer.it;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A small ext4 of the test's own in a file, mounted: it can be filled, frozen, and made room in, and nobody else is
 * hurt. Needs root and a loop device; without, the test is skipped before it has begun, and says so.
 */
final class SmallFileSystem implements AutoCloseable {
    private final Path directory;
    private boolean frozen;

    private SmallFileSystem(Path directory) {
        this.directory = directory;
    }

    static SmallFileSystem make(Path scratch, int mebibytes) throws IOException, InterruptedException {
        assumeTrue(Tool.succeed("id", "-u").out().strip().equals("0"), "only root can mount a file system");
        Path image = scratch.resolve("small.ext4");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength((long) mebibytes << 20);
        }
        Tool.succeed("mkfs.ext4", "-q", "-m", "0", "-O", "^has_journal", image.toString());
        Path directory = Files.createDirectory(scratch.resolve("small"));
        Tool.Result mounted = Tool.run("mount", "-o", "loop", image.toString(), directory.toString());
        assumeTrue(mounted.status() == 0, () -> "no loop device can be mounted here: " + mounted.err());
        return new SmallFileSystem(directory);
    }

    Path directory() {
        return directory;
    }

    /** Writes wait from now on, until {@link #thaw}. */
    void freeze() throws IOException, InterruptedException {
        Tool.succeed("fsfreeze", "--freeze", directory.toString());
        frozen = true;
    }

    void thaw() throws IOException, InterruptedException {
        Tool.succeed("fsfreeze", "--unfreeze", directory.toString());
        frozen = false;
    }

    /** Takes all the space that is left. */
    void fill() throws IOException {
        Path filler = directory.resolve("filler");
        byte[] piece = new byte[64 << 10];
        try (var out = Files.newOutputStream(filler)) {
            while (true) {
                out.write(piece);
            }
        } catch (IOException full) {
            if (directory.toFile().getUsableSpace() > piece.length) {
                throw full;
            }
        }
    }

    void makeRoom() throws IOException {
        Files.delete(directory.resolve("filler"));
    }

    @Override
    public void close() throws IOException {
        try {
            if (frozen) {
                thaw();
            }
            Tool.succeed("umount", directory.toString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(directory + " stays mounted: interrupted", e);
        }
    }
}
