package dev.gossamer.thin.status;

import dev.gossamer.thin.catalog.CatalogSlot;
import dev.gossamer.thin.catalog.ExternalOrigin;
import dev.gossamer.thin.device.PoolDevices;
import dev.gossamer.thin.device.ThinDevice;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The volumes that were made from the same first volume, by snapshots of snapshots: those between which differences are
 * small. For one question, on any thread.
 *
 * <p>Where a volume on the way has been deleted, its id stands for it: all snapshots of it remain relatives. Ids are
 * used again, so an origin must be older than its snapshot to be the real one, and relatives whose origin is deleted
 * must show the same external origin: two volumes that had one id after the other may have been over different disks.
 */
public final class Lineage {
    private static final long DELETED = 1L << 32;

    private final PoolDevices devices;
    private final ThinDevice device;
    // What was found out, by id: looking at all volumes of a long chain then takes one step for each, and not the whole
    // chain.
    private final Map<Integer, Long> founders = new HashMap<>();

    public Lineage(PoolDevices devices, ThinDevice device) {
        this.devices = devices;
        this.device = device;
    }

    /** Whether another volume is a relative. A volume is not its own. */
    public boolean includes(ThinDevice other) {
        if (other.id() == device.id()) {
            return false;
        }
        long founder = founderOf(device);
        return founderOf(other) == founder
                && (founder < DELETED || externalOf(other).equals(externalOf(device)));
    }

    private static Optional<ExternalOrigin> externalOf(ThinDevice device) {
        return Optional.ofNullable(device.slot()).map(CatalogSlot::externalOrigin);
    }

    /** Id of the first volume that is known, marked if that one is deleted. Each step goes back in time, so it ends. */
    private long founderOf(ThinDevice descendant) {
        List<Integer> way = new ArrayList<>();
        int id = descendant.id();
        CatalogSlot slot = descendant.slot();
        Long founder = founders.get(id);
        while (founder == null) {
            way.add(id);
            if (slot == null || slot.originId() < 0) {
                founder = (long) id;
            } else {
                ThinDevice origin = devices.withId(slot.originId());
                CatalogSlot originSlot = origin == null ? null : origin.slot();
                if (originSlot == null || originSlot.creationTime() >= slot.creationTime()) {
                    founder = DELETED | slot.originId();
                } else {
                    id = origin.id();
                    slot = originSlot;
                    founder = founders.get(id);
                }
            }
        }
        for (int each : way) {
            founders.put(each, founder);
        }
        return founder;
    }
}
