package dev.gossamer.daemon.server;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gossamer.io.sim.ScarceMemory;
import io.netty.channel.uring.IoUring;
import java.nio.file.Path;
import java.util.function.ToLongBiFunction;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A client that comes while there is no heap is turned away, and leaves nothing: no handle, no place. Takes some
 * seconds: the program is loaded anew, twice, and there is a client for each of its allocations.
 */
@Timeout(120)
class ScarceConnectTest {
    @ParameterizedTest
    @ValueSource(strings = {"THREADS", "RING"})
    @SuppressWarnings("unchecked")
    void nothingIsLeftOfThem(String engine, @TempDir Path directory) throws Exception {
        assumeTrue(engine.equals("THREADS") || IoUring.isAvailable(), "io_uring is not allowed here");
        ToLongBiFunction<Path, String> story = (ToLongBiFunction<Path, String>) ScarceMemory.loader(ConnectStory.class)
                .loadClass(ConnectStory.class.getName())
                .getDeclaredConstructor()
                .newInstance();
        assertTrue(story.applyAsLong(directory.resolve("nbd.sock"), engine) > 20, "places");
    }
}
