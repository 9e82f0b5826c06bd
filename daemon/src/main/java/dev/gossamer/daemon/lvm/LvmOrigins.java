package dev.gossamer.daemon.lvm;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.lvm.FoundGroup;
import dev.gossamer.thin.KnownVolume;
import dev.gossamer.thin.OriginOpener;
import java.util.Map;

/**
 * Where the external origins of LVM's thin volumes are on this machine, as their owner says: LVM's own volumes need not
 * be there at all (OT-58). What is named has to have the size that LVM knows.
 *
 * @param locations paths and URIs, by the names that LVM has
 */
public record LvmOrigins(Map<String, String> locations) {
    public LvmOrigins {
        locations = Map.copyOf(locations);
    }

    /** Refuses a pool with a volume that is over something of which nobody has said where it is. */
    public void check(LvmPool pool) throws StorageException {
        for (FoundGroup.ThinVolume volume : pool.volumes()) {
            String origin = volume.externalOrigin();
            if (!origin.isEmpty() && !locations.containsKey(origin)) {
                throw new StorageException(
                        Errno.EINVAL,
                        pool.name().group() + "/" + volume.name() + " is over the external origin " + origin
                                + "; say where that is: pool adopt --origin " + origin + "=DEVICE, or the key"
                                + " 'origins' in pool.yaml of a pool that is adopted already");
            }
        }
    }

    /** As {@link #check}, and looks at all that are named. Nothing is written. */
    public void look(LvmPool pool, OriginOpener opener) throws StorageException {
        check(pool);
        for (String origin : locations.keySet()) {
            KnownVolume.Origin known = pool.volumes().stream()
                    .filter(volume -> volume.externalOrigin().equals(origin))
                    .findFirst()
                    .map(this::of)
                    .orElseThrow(() -> new StorageException(
                            Errno.EINVAL,
                            "no volume of " + pool.name().group() + "/"
                                    + pool.name().volume() + " is over an external origin " + origin));
            try (BlockDevice device = opener.open(known.location())) {
                known.check(device.sizeBytes());
            }
        }
    }

    /** What a volume is over; null if over nothing, or nobody has said where that is. */
    KnownVolume.Origin of(FoundGroup.ThinVolume volume) {
        String location = locations.get(volume.externalOrigin());
        return location == null
                ? null
                : new KnownVolume.Origin(location, volume.externalOrigin(), volume.externalOriginBytes());
    }
}
