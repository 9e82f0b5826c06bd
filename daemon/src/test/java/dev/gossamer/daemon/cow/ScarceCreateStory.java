package dev.gossamer.daemon.cow;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.posix.OpenOptions;
import dev.gossamer.io.sim.ForwardingDevice;
import dev.gossamer.io.sim.ScarceMemory;
import dev.gossamer.snapshot.StoreFullAction;
import dev.gossamer.snapshot.StoreType;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongFunction;

/**
 * An origin and a snapshot of it are made, and the n-th allocation of that finds no memory; then the daemon stops.
 * Tells which devices are still open; null if all memory was found.
 */
public final class ScarceCreateStory implements LongFunction<List<String>> {
    private final List<String> open = new ArrayList<>();

    private BlockDevice counted(CowWorld world, String name, OpenOptions options) throws StorageException {
        BlockDevice device = world.open(name, options);
        open.add(name);
        return new ForwardingDevice(device) {
            private boolean isClosed;

            @Override
            public void close() {
                if (!isClosed) {
                    isClosed = true;
                    open.remove(name);
                }
                super.close();
            }
        };
    }

    @Override
    public List<String> apply(long n) {
        try {
            open.clear();
            CowWorld world = new CowWorld();
            world.add("sda", CowWorld.SIZE);
            world.add("sdb", 2 * CowWorld.SIZE);
            CowLife life = new CowLife(world, 1);
            ScarceMemory.failAt(n, 1);
            try {
                create(life, world);
            } catch (StorageException | RuntimeException | Error expected) {
                // It is what is left behind that counts.
            }
            ScarceMemory.end();
            try {
                life.stop();
            } catch (StorageException expected) {
                life.close();
            }
            return ScarceMemory.hasFailed() ? open : null;
        } catch (StorageException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void create(CowLife life, CowWorld world) throws StorageException {
        CowRequest origin = new CowRequest("disk", "sda", null, 0, StoreType.PERSISTENT, null);
        life.service.create(origin, (name, options) -> counted(world, name, options));
        CowRequest snapshot =
                new CowRequest("disk@s", null, "sdb", 4096, StoreType.PERSISTENT, StoreFullAction.INVALIDATE_SNAPSHOT);
        life.service.create(snapshot, (name, options) -> counted(world, name, options));
    }
}
