package dev.gossamer.nbd.client;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * What coverage-guided fuzzing has found worth keeping, again in each run: nothing escapes from either side, and no
 * memory follows an announced length (issue "bad input", H5, C3).
 */
final class FuzzCorpusTest {
    static final Path CORPUS = Path.of("src/test/resources/fuzz");

    /** Buffers, the channel, texts; far below any length that an input announces and does not send. */
    private static final long MEMORY_BYTES = 512 << 10;

    /** Each byte that arrives may be kept, copied into a message, and answered with a text or a list. */
    private static final long MEMORY_PER_BYTE = 64;

    static List<Path> inputs(String side) throws IOException {
        try (Stream<Path> files = Files.list(CORPUS.resolve(side))) {
            return files.sorted().toList();
        }
    }

    private static void replay(String side, Consumer<byte[]> target) throws IOException {
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        List<Path> inputs = inputs(side);
        assertTrue(inputs.size() >= 30, () -> "a corpus: " + inputs);
        for (Path file : inputs) {
            byte[] input = Files.readAllBytes(file);
            try {
                target.accept(input); // loads classes, which costs memory too
                long before = threads.getCurrentThreadAllocatedBytes();
                target.accept(input);
                long usedBytes = threads.getCurrentThreadAllocatedBytes() - before;
                assertTrue(usedBytes < MEMORY_BYTES + MEMORY_PER_BYTE * input.length, "bytes: " + usedBytes);
            } catch (Throwable failure) {
                throw new AssertionError(file.toString(), failure);
            }
        }
    }

    @Test
    void theServerSurvivesItsCorpus() throws IOException {
        replay("server", FuzzedServer::fuzzerTestOneInput);
    }

    @Test
    void theClientSurvivesItsCorpus() throws IOException {
        replay("client", FuzzedClient::fuzzerTestOneInput);
    }
}
