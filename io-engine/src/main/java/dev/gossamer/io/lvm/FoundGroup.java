package dev.gossamer.io.lvm;

import dev.gossamer.io.StorageException;
import dev.gossamer.io.lvm.format.LvmError;
import dev.gossamer.io.lvm.format.PvBytes;
import dev.gossamer.io.lvm.format.PvLabel;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A volume group, all of whose physical volumes are here; what can be asked about it. */
public final class FoundGroup {
    /** What LVM says of a volume that is used as it is. All other words mean that something is going on with it. */
    private static final List<String> QUIET = List.of("READ", "WRITE", "VISIBLE", "FIXED_MINOR", "ALLOCATABLE");

    /** Besides, of mirrors and their images: made without a first copy; to be read from last. */
    private static final List<String> QUIET_RAID = List.of("NOTSYNCED", "WRITEMOSTLY");

    /** A thin pool, and what LVM says of it. */
    public record Pool(
            String name, String metadata, String data, long transactionId, long chunkBytes, boolean queued) {}

    /**
     * A volume of a thin pool.
     *
     * @param originId device id of the volume that it is a snapshot of; -1 if there is none
     * @param externalOrigin empty if it has none
     * @param externalOriginBytes its size
     */
    public record ThinVolume(
            String name,
            int deviceId,
            long sizeBytes,
            boolean writable,
            int originId,
            String externalOrigin,
            long externalOriginBytes) {}

    private final VolumeGroup group;
    private final Map<String, PvBytes> devices;

    FoundGroup(VolumeGroup group, Map<String, PvBytes> devices) {
        this.group = group;
        this.devices = devices;
    }

    public String name() {
        return group.name();
    }

    /** Whether LVM would let the group's volumes be written to. */
    public boolean isWritable() {
        return group.isWritable();
    }

    /** Where each physical volume is, by its name in the text. */
    public Map<String, PvBytes> devices() {
        return devices;
    }

    /** How device-mapper's uuids of this group's volumes begin. */
    public String uuidPrefix() {
        return "LVM-" + group.id();
    }

    VolumeGroup group() {
        return group;
    }

    /** The pool of this name; null if the volume is something else. */
    public Pool pool(String name) throws StorageException {
        LogicalVolume volume = volume(name);
        Segment.ThinPool pool = volume.only(Segment.ThinPool.class);
        if (pool == null) {
            return null;
        }
        checkQuiet(volume);
        return new Pool(
                name,
                pool.metadata(),
                pool.data(),
                pool.transactionId(),
                pool.chunkSectors() * PvLabel.SECTOR_BYTES,
                pool.queued());
    }

    /** The pool that a volume is, is a part of, or is in; null if there is none. */
    public Pool poolOf(String name) throws StorageException {
        for (LogicalVolume volume : group.logicalVolumes().values()) {
            Segment.ThinPool pool = volume.only(Segment.ThinPool.class);
            Segment.Thin thin = volume(name).only(Segment.Thin.class);
            boolean its = pool != null
                    && (volume.name().equals(name)
                            || pool.metadata().equals(name)
                            || pool.data().equals(name)
                            || (thin != null && thin.pool().equals(volume.name())));
            if (its) {
                return pool(volume.name());
            }
        }
        return null;
    }

    /** The volumes of a pool, in the order of their ids. */
    public List<ThinVolume> volumesOf(String pool) throws StorageException {
        Map<Long, ThinVolume> volumes = new TreeMap<>();
        for (LogicalVolume volume : group.logicalVolumes().values()) {
            Segment.Thin thin = volume.only(Segment.Thin.class);
            if (thin == null || !thin.pool().equals(pool)) {
                continue;
            }
            ThinVolume found = new ThinVolume(
                    volume.name(),
                    (int) thin.deviceId(),
                    bytes(volume),
                    volume.isWritable() && group.isWritable(),
                    originOf(thin),
                    thin.externalOrigin(),
                    thin.externalOrigin().isEmpty() ? 0 : sizeBytes(thin.externalOrigin()));
            ThinVolume other = volumes.put(thin.deviceId(), found);
            if (other != null) {
                throw LvmError.damaged(full(pool) + ": " + other.name() + " and " + found.name()
                        + " have one device id, " + thin.deviceId());
            }
        }
        return new ArrayList<>(volumes.values());
    }

    private int originOf(Segment.Thin thin) {
        LogicalVolume origin = group.logicalVolumes().get(thin.origin());
        Segment.Thin other = origin == null ? null : origin.only(Segment.Thin.class);
        return other == null ? -1 : (int) other.deviceId();
    }

    /** Size of a logical volume. */
    public long sizeBytes(String name) throws StorageException {
        return bytes(volume(name));
    }

    /**
     * What device-mapper calls the volumes in its uuids while LVM has them active: the pool's, of its parts and of its
     * volumes. A suffix may follow.
     */
    public List<String> activeUuids(String pool) throws StorageException {
        List<String> uuids = new ArrayList<>();
        addUuids(uuids, volume(pool));
        for (ThinVolume each : volumesOf(pool)) {
            uuids.add(uuid(volume(each.name())));
        }
        return uuids;
    }

    /** As {@link #activeUuids}, of a volume that is no pool and what it is made of. */
    public List<String> activeUuidsOf(String name) throws StorageException {
        List<String> uuids = new ArrayList<>();
        addUuids(uuids, volume(name));
        return uuids;
    }

    private void addUuids(List<String> uuids, LogicalVolume volume) throws StorageException {
        String uuid = uuid(volume);
        if (uuids.contains(uuid)) {
            return;
        }
        uuids.add(uuid);
        for (Segment segment : volume.segments()) {
            if (segment instanceof Segment.ThinPool pool) {
                addUuids(uuids, volume(pool.metadata()));
                addUuids(uuids, volume(pool.data()));
            } else if (segment instanceof Segment.Striped striped) {
                for (Segment.Stripe stripe : striped.stripes()) {
                    if (group.logicalVolumes().containsKey(stripe.name())) {
                        addUuids(uuids, volume(stripe.name()));
                    }
                }
            } else if (segment instanceof Segment.Raid1 raid) {
                for (Segment.Image image : raid.images()) {
                    addUuids(uuids, volume(image.meta()));
                    addUuids(uuids, volume(image.data()));
                }
            }
        }
    }

    String uuid(LogicalVolume volume) {
        return uuidPrefix() + volume.id();
    }

    LogicalVolume volume(String name) throws StorageException {
        LogicalVolume volume = group.logicalVolumes().get(name);
        if (volume == null) {
            throw LvmError.missing("volume group " + group.name() + " has no logical volume " + name);
        }
        return volume;
    }

    String full(String volume) {
        return group.name() + "/" + volume;
    }

    long bytes(LogicalVolume volume) throws StorageException {
        if (volume.extents() > Long.MAX_VALUE / 2 / group.extentBytes()) {
            throw LvmError.damaged(full(volume.name()) + " has " + volume.extents() + " extents of "
                    + group.extentBytes() + " bytes, more than any device");
        }
        return volume.extents() * group.extentBytes();
    }

    /** Refuses a volume that LVM has locked, is moving, or does something else with. */
    void checkQuiet(LogicalVolume volume) throws StorageException {
        for (String word : volume.status()) {
            if (!isQuiet(word)) {
                throw LvmError.unsupported(full(volume.name()) + " has the status " + word
                        + ", which is not supported; let LVM finish what it does with it");
            }
        }
    }

    static boolean isQuiet(String word) {
        return QUIET.contains(word) || QUIET_RAID.contains(word);
    }

    /** Refuses a group in which two volumes have one extent: whoever writes to one would destroy the other. */
    void checkNoOverlap() throws StorageException {
        record Taken(long from, long to, String volume) {}
        Map<String, List<Taken>> byDevice = new TreeMap<>();
        for (LogicalVolume volume : group.logicalVolumes().values()) {
            for (Segment segment : volume.segments()) {
                if (segment instanceof Segment.Striped striped) {
                    long each = striped.extents() / striped.stripes().size();
                    striped.stripes()
                            .forEach(stripe -> byDevice.computeIfAbsent(stripe.name(), name -> new ArrayList<>())
                                    .add(new Taken(stripe.extent(), stripe.extent() + each, volume.name())));
                } else if (segment instanceof Segment.Raid1 raid) {
                    raid.images().forEach(image -> byDevice.computeIfAbsent(image.data(), name -> new ArrayList<>())
                            .add(new Taken(0, raid.extents(), volume.name())));
                }
            }
        }
        for (Map.Entry<String, List<Taken>> device : byDevice.entrySet()) {
            List<Taken> all = device.getValue();
            all.sort(Comparator.comparingLong(Taken::from));
            for (int i = 1; i < all.size(); i++) {
                if (all.get(i).from() < all.get(i - 1).to()) {
                    throw LvmError.damaged(full(all.get(i - 1).volume()) + " and "
                            + full(all.get(i).volume()) + " both have extent "
                            + all.get(i).from() + " of " + device.getKey());
                }
            }
        }
    }
}
