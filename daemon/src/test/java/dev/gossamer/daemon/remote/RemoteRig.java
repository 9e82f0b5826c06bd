package dev.gossamer.daemon.remote;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gossamer.io.ring.IoEngineChoice;
import dev.gossamer.io.ring.IoLoops;
import dev.gossamer.io.sim.LoopDriver;
import dev.gossamer.io.sim.TestIo;
import dev.gossamer.nbd.client.NbdUri;
import java.util.ArrayList;
import java.util.List;

/** Two I/O loops and devices on them; at the end, everything must have been given back. */
final class RemoteRig implements AutoCloseable {
    /** Impatient, so that tests of what never comes are quick. */
    static final RemoteSettings IMPATIENT =
            new RemoteSettings(1_500, 1_500, 20, 200, 5_000, 128, 32 << 20, 64 << 20, 5);

    /** A request waits as long as a busy machine may need. */
    static final RemoteSettings PATIENT =
            new RemoteSettings(60_000, 60_000, 20, 100, 10_000, 128, 32 << 20, 64 << 20, 100);

    private final IoLoops loops;
    private final List<NbdClientDevice> devices = new ArrayList<>();

    RemoteRig() throws Exception {
        loops = IoLoops.start(2, IoEngineChoice.AUTO, 32 << 20);
    }

    NbdClientDevice open(String uri, RemoteSettings settings) throws Exception {
        NbdClientDevice device = NbdClientDevice.open(NbdUri.parse(uri), false, loops, settings);
        devices.add(device);
        return device;
    }

    /** Closed with the rig. */
    void add(NbdClientDevice device) {
        devices.add(device);
    }

    /** Requests from one of the two loops. */
    TestIo io(NbdClientDevice device, int loop) {
        return new TestIo(device, LoopDriver.ofThread(loops.loop(loop)));
    }

    IoLoops loops() {
        return loops;
    }

    @Override
    public void close() {
        devices.forEach(NbdClientDevice::close);
        for (int i = 0; i < loops.count(); i++) {
            LoopDriver driver = LoopDriver.ofThread(loops.loop(i));
            driver.run(() -> {
                assertEquals(0, driver.loop().requests().inUse(), "requests not given back");
                assertEquals(0, driver.loop().buffers().usedBytes(), "buffers not given back");
            });
        }
        loops.close();
    }
}
