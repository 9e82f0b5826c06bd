package dev.gossamer.thin.device;

import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.metadata.DeviceDetails;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
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

    // The map's own size is counted anew each time. Written by the worker.
    private final AtomicInteger count = new AtomicInteger();

    // Few volumes reserve space: going through them costs less than to keep a sum right. Worker's thread.
    private final Set<ThinDevice> reserving = new HashSet<>();

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

    public void add(ThinDevice device) {
        limitsChanged(device);
        if (byId.put(device.id(), device) == null) {
            count.incrementAndGet();
        }
        byName.put(device.name(), device);
    }

    public void remove(ThinDevice device) {
        reserving.remove(device);
        if (byId.remove(device.id(), device)) {
            count.decrementAndGet();
        }
        byName.remove(device.name(), device);
    }

    /** Those that have space reserved. Worker's thread. */
    public Set<ThinDevice> reserving() {
        return reserving;
    }

    /** The device's slot has got other limits, or the device is new. */
    public void limitsChanged(ThinDevice device) {
        if (device.limits().reserveBytes() > 0) {
            reserving.add(device);
        } else {
            reserving.remove(device);
        }
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
