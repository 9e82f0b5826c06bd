package dev.gossamer.thin.device;

import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.account.PoolAccount;
import dev.gossamer.thin.metadata.DeviceDetails;
import dev.gossamer.thin.metadata.OwnCounts;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicInteger;

/** The thin devices of a pool, the catalog excepted, by id and by name. Changed by the worker, read by any thread. */
public final class PoolDevices {
    private final ConcurrentSkipListMap<Integer, ThinDevice> byId = new ConcurrentSkipListMap<>();
    private final ConcurrentHashMap<String, ThinDevice> byName = new ConcurrentHashMap<>();

    // Filled while the pool is being opened.
    private final Set<String> disputed = ConcurrentHashMap.newKeySet();

    // The map's own size is counted anew each time. Written by the worker.
    private final AtomicInteger count = new AtomicInteger();

    // Worker's thread.
    private final PoolAccount account = new PoolAccount();
    private final OwnCounts own;

    /** @param own of the pool's metadata */
    public PoolDevices(OwnCounts own) {
        this.own = own;
    }

    public Collection<ThinDevice> all() {
        return byId.values();
    }

    /** Null if there is no such volume. */
    public ThinDevice named(String name) {
        return byName.get(name);
    }

    /** Null if there is no such volume. */
    public ThinDevice withId(int id) {
        return byId.get(id);
    }

    public int count() {
        return count.get();
    }

    public List<VolumeInfo> infos() {
        List<VolumeInfo> infos = new ArrayList<>();
        for (ThinDevice device : byId.values()) {
            infos.add(device.info());
        }
        return infos;
    }

    /** As {@link #infos}, each made when its turn comes; what comes or goes meanwhile may be among them or not. */
    public Iterator<VolumeInfo> eachInfo() {
        return byId.values().stream().map(ThinDevice::info).iterator();
    }

    /** Makes a device known, and by its name if no other one is. */
    public void add(ThinDevice device) {
        device.join(account, own);
        if (byId.put(device.id(), device) == null) {
            count.incrementAndGet();
        }
        byName.putIfAbsent(device.name(), device);
    }

    public void remove(ThinDevice device) {
        device.leave(own);
        if (byId.remove(device.id(), device)) {
            count.decrementAndGet();
        }
        byName.remove(device.name(), device);
    }

    /** What all volumes together have been promised. Worker's thread. */
    public PoolAccount account() {
        return account;
    }

    /** Whether its sum is what a walk over all volumes finds; for assertions. Worker's thread. */
    public boolean isNeedRight() {
        long sum = 0;
        for (ThinDevice device : byId.values()) {
            sum += device.account().needWith(device.promiseOf(device.limits()));
        }
        return sum == account.neededBlocks();
    }

    /** The catalog has given several volumes this name: until the pool is opened again it is nobody's. */
    public void dispute(String name) {
        disputed.add(name);
    }

    /** Whether no other volume may get a name. */
    public boolean isTaken(String name) {
        return byName.containsKey(name) || disputed.contains(name);
    }

    /** The device's slot has got another name. */
    public void renamed(ThinDevice device, String oldName) {
        byName.put(device.name(), device);
        byName.remove(oldName, device);
    }

    /** After an abort that has worked: takes what the devices' details say from the committed metadata (E-3). */
    public void reload(PoolMetadata metadata) {
        for (ThinDevice device : all()) {
            DeviceDetails details = metadata.detailsIfReadable(device.id());
            if (details == null) {
                remove(device);
            } else {
                device.refresh(details, metadata.dataBlocks());
            }
        }
    }
}
