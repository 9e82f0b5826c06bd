package dev.gossamer.thin.space;

import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.SetSpace;
import dev.gossamer.thin.device.PoolDevices;
import dev.gossamer.thin.device.PoolFaults;
import dev.gossamer.thin.device.PoolState;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.metadata.DyingDevices;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;

/**
 * Finds out what deleting a set of volumes would free (AC-10), in steps with requests in between: each is as wide as
 * its nodes allow. Reads the nodes that would go, and the edge of what stays. Worker's thread.
 */
public final class DeletionPreview {
    /** Nodes a step, about: a millisecond or two. */
    private static final int NODES_PER_STEP = 64;

    private static final long FIRST_WIDTH = 4096;

    /** Volumes a step that are asked whether they keep something: up to 256 look-ups each. */
    private static final int KEEPERS_PER_STEP = 8;

    private static final int MAX_KEEPERS = 100;

    private final IoLoop loop;
    private final PoolMetadata metadata;
    private final PoolState state;
    private final PoolFaults faults;
    private final CompletableFuture<SetSpace> answer;
    private final Set<Integer> ids = new TreeSet<>();
    private final Iterator<ThinDevice> others;
    private final List<String> keepers = new ArrayList<>();
    private final long incarnation;
    private final long mark;
    private final DyingDevices dying;
    private long next;
    private long width = FIRST_WIDTH;

    public DeletionPreview(
            IoLoop loop,
            PoolMetadata metadata,
            PoolDevices all,
            PoolState state,
            PoolFaults faults,
            List<ThinDevice> devices,
            CompletableFuture<SetSpace> answer) {
        this.loop = loop;
        this.metadata = metadata;
        this.state = state;
        this.faults = faults;
        this.answer = answer;
        devices.forEach(device -> ids.add(device.id()));
        others = all.all().iterator();
        incarnation = faults.incarnation();
        mark = metadata.changeMark();
        dying = metadata.life().dying(ids);
    }

    /** Does the next step, and sees to it that the others follow. */
    public void step() {
        try {
            if (state.mode() == PoolMode.FAIL || faults.incarnation() != incarnation) {
                throw new StorageException(Errno.EIO, "the pool's metadata has failed meanwhile: " + state.cause());
            }
            if (next >= 0 ? look() : ask()) {
                loop.execute(this::step);
            }
        } catch (StorageException | RuntimeException | Error e) {
            answer.completeExceptionally(e); // nothing was changed, so this is the asker's error
        }
    }

    /** @return true: another step follows */
    private boolean look() throws StorageException {
        long to = next + width < 0 ? Long.MAX_VALUE : next + width;
        int nodes = dying.look(next, to);
        if (nodes > NODES_PER_STEP) {
            width = Math.max(1, width / 2);
        } else if (nodes < NODES_PER_STEP / 2) {
            width = Math.min(Long.MAX_VALUE / 2, 2 * width);
        }
        next = to == Long.MAX_VALUE ? -1 : to;
        return true;
    }

    private boolean ask() throws StorageException {
        for (int i = 0; i < KEEPERS_PER_STEP; i++) {
            if (!others.hasNext() || keepers.size() == MAX_KEEPERS) {
                boolean exact = dying.isComplete() && metadata.changeMark() == mark;
                answer.complete(new SetSpace(
                        dying.freedBlocks() * metadata.blockBytes(), exact, metadata.heldRoot() != 0, keepers));
                return false;
            }
            ThinDevice other = others.next();
            if (!ids.contains(other.id()) && other.damage() == null && dying.isKeptBy(other.id())) {
                keepers.add(other.name());
            }
        }
        return true;
    }
}
