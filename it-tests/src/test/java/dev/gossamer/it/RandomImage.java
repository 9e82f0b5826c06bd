package dev.gossamer.it;

import dev.gossamer.io.sim.Seeds;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.SplittableRandom;

/** Files of random bytes that a seed determines. */
final class RandomImage {
    static final int MIB = 1 << 20;

    private RandomImage() {}

    static void write(Path file, int mebibytes, long seed) throws IOException {
        SplittableRandom random = Seeds.splittable(seed);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            for (int i = 0; i < mebibytes; i++) {
                byte[] bytes = new byte[MIB];
                random.nextBytes(bytes);
                writeFully(channel, bytes, (long) i * MIB);
            }
        }
    }

    static void writeFully(FileChannel channel, byte[] bytes, long offsetBytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) {
            channel.write(buffer, offsetBytes + buffer.position());
        }
    }
}
