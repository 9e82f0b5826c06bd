package dev.gossamer.thin.message;

import dev.gossamer.io.Errno;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.KnownVolume;
import dev.gossamer.thin.VolumeSpec;
import dev.gossamer.thin.catalog.Catalog;
import dev.gossamer.thin.catalog.CatalogSlot;
import dev.gossamer.thin.commit.MetadataChange;
import dev.gossamer.thin.device.ExternalOrigins;
import dev.gossamer.thin.device.OriginImage;
import dev.gossamer.thin.device.PoolDevices;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.map.MapPublisher;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives devices without a name those that somebody else has for them (OT-58), in one transaction. A device that stays
 * without one is served as it is, but for one over an external origin: without that it would show zeros, and keep them
 * with its next write. That is barred. Worker's thread.
 */
public final class VolumeNaming {
    private static final Logger LOG = LoggerFactory.getLogger(VolumeNaming.class);

    /** @param over null: nothing */
    private record Naming(KnownVolume as, OriginImage over) {}

    private final VolumeMessages messages;
    private final MetadataChange change;
    private final Catalog catalog;
    private final PoolDevices devices;
    private final ExternalOrigins origins;
    private final MapPublisher maps;
    private final Map<ThinDevice, KnownVolume> wanted = new LinkedHashMap<>();
    private final Queue<String> unknown = new ArrayDeque<>();
    private final Map<String, OriginImage> found = new HashMap<>();
    private final Map<String, Throwable> failures = new HashMap<>();
    private final Map<ThinDevice, Naming> unnamed = new LinkedHashMap<>();

    VolumeNaming(
            VolumeMessages messages,
            MetadataChange change,
            Catalog catalog,
            PoolDevices devices,
            ExternalOrigins origins,
            MapPublisher maps) {
        this.messages = messages;
        this.change = change;
        this.catalog = catalog;
        this.devices = devices;
        this.origins = origins;
        this.maps = maps;
    }

    /**
     * Looks at the external origins of all that will get a name. The worker goes on meanwhile.
     *
     * @param known what somebody else knows of the pool's devices
     * @param looked completes with this, when {@link #name} can be called
     */
    public void look(List<KnownVolume> known, CompletableFuture<VolumeNaming> looked) {
        for (KnownVolume each : known) {
            ThinDevice device = devices.withId(each.id());
            if (device != null && device.slot() == null && !device.isBarred()) {
                wanted.put(device, each);
                if (each.origin() != null && !unknown.contains(each.origin().location())) {
                    unknown.add(each.origin().location());
                }
            }
        }
        lookAtNext(looked);
    }

    /** One after the other: there is room for others' to be looked at, too. */
    @SuppressWarnings("FutureReturnValueIgnored") // What is chained goes on with the next, whatever comes.
    private void lookAtNext(CompletableFuture<VolumeNaming> looked) {
        String location = unknown.poll();
        if (location == null) {
            looked.complete(this);
            return;
        }
        CompletableFuture<OriginImage> image = new CompletableFuture<>();
        image.whenComplete((its, failure) -> {
            if (failure == null) {
                found.put(location, its);
            } else {
                failures.put(location, failure);
            }
            lookAtNext(looked);
        });
        origins.find(location, image);
    }

    /**
     * Gives names, with size, rights and external origin, in one transaction. Whoever has a name here keeps it, and
     * what is mapped stays mapped. Nobody has the devices open.
     *
     * @return how many have got a name
     */
    public int name() throws StorageException {
        try {
            wanted.forEach(this::choose);
            if (!unnamed.isEmpty()) {
                write();
            }
        } catch (StorageException e) {
            unnamed.forEach((device, naming) -> refuse(device, naming.as, e));
            throw e;
        } finally {
            messages.closeOrigins();
        }
        return unnamed.size();
    }

    private void choose(ThinDevice device, KnownVolume as) {
        try {
            VolumeSpec.checkName(as.name());
            VolumeSpec.checkSize(as.sizeBytes());
            messages.checkNameIsFree(as.name());
            unnamed.put(device, new Naming(as, over(as.origin())));
        } catch (StorageException e) {
            refuse(device, as, e);
        }
    }

    private OriginImage over(KnownVolume.Origin origin) throws StorageException {
        if (origin == null) {
            return null;
        }
        Throwable failure = failures.get(origin.location());
        if (failure != null) {
            throw new StorageException(Errno.ENODEV, Reason.of(failure), failure);
        }
        OriginImage image = found.get(origin.location());
        origin.check(image.sizeBytes());
        return image;
    }

    private void refuse(ThinDevice device, KnownVolume as, StorageException e) {
        if (as.origin() == null) {
            LOG.warn("volume {} keeps the name {}: {}", as.name(), device.name(), e.getMessage());
        } else {
            change.bar(
                    device,
                    as.name() + " cannot be put over its external origin "
                            + as.origin().name() + ": " + e.getMessage() + "; put that right and open the pool again");
        }
    }

    private void write() throws StorageException {
        change.checkWritable();
        messages.checkCatalogRoom(unnamed.keySet().stream().map(ThinDevice::id).toList());
        Map<ThinDevice, CatalogSlot> written = new LinkedHashMap<>();
        change.commit(() -> {
            for (Map.Entry<ThinDevice, Naming> each : unnamed.entrySet()) {
                written.put(each.getKey(), catalog.put(slot(each.getValue())));
            }
        });
        written.forEach((device, slot) -> {
            String before = device.name();
            device.recorded(slot);
            device.resized(slot.sizeBytes());
            device.putOver(unnamed.get(device).over);
            maps.forgetContents(device);
            devices.renamed(device, before);
        });
    }

    private CatalogSlot slot(Naming naming) throws StorageException {
        KnownVolume as = naming.as;
        return messages.slotFor(as.id(), as.originId(), as.readOnly(), as.sizeBytes(), as.name())
                .withExternalOrigin(naming.over == null ? null : naming.over.record());
    }
}
