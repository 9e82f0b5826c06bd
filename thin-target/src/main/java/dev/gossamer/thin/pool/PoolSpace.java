package dev.gossamer.thin.pool;

import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.SetSpace;
import dev.gossamer.thin.VolumeSpace;
import dev.gossamer.thin.device.PoolDevices;
import dev.gossamer.thin.device.PoolFaults;
import dev.gossamer.thin.device.PoolState;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.metadata.PoolMetadata;
import dev.gossamer.thin.space.DeletionPreview;
import dev.gossamer.thin.space.SpaceAccount;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** Questions about a pool's data space that take reading metadata, in steps. Any thread. */
public final class PoolSpace {
    private final WorkerCalls calls;
    private final IoLoop loop;
    private final PoolMetadata metadata;
    private final PoolDevices devices;
    private final PoolState state;
    private final PoolFaults faults;

    PoolSpace(WorkerCalls calls, PoolParts parts) {
        this.calls = calls;
        loop = parts.loop;
        metadata = parts.metadata;
        devices = parts.devices;
        state = parts.state;
        faults = parts.faults;
    }

    /**
     * Counts what a volume has for itself; see {@link SpaceAccount} for the cost. ENOENT if there is none of that name.
     */
    public CompletableFuture<VolumeSpace> of(String name) {
        CompletableFuture<VolumeSpace> answer = calls.answer();
        ThinDevice device = devices.named(name);
        if (device == null) {
            answer.completeExceptionally(unknown(name));
        } else {
            loop.execute(() -> new SpaceAccount(state, faults, loop, metadata, device, answer).step());
        }
        return answer;
    }

    /** Finds out what deleting volumes together would free, and who has what stays; see {@link DeletionPreview}. */
    public CompletableFuture<SetSpace> ifDeleted(Set<String> names) {
        CompletableFuture<SetSpace> answer = calls.answer();
        List<ThinDevice> wanted = new ArrayList<>();
        for (String name : names) {
            ThinDevice device = devices.named(name);
            if (device == null) {
                answer.completeExceptionally(unknown(name));
                return answer;
            }
            wanted.add(device);
        }
        loop.execute(() -> new DeletionPreview(loop, metadata, devices, state, faults, wanted, answer).step());
        return answer;
    }

    private static StorageException unknown(String name) {
        return new StorageException(
                Errno.ENOENT, "there is no volume '" + name + "'; 'gossamer volume list' shows all");
    }
}
