package dev.gossamer.thin.offline;

import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.check.CheckResult;
import dev.gossamer.pdata.check.CheckRoots;
import dev.gossamer.pdata.check.CheckScope;
import dev.gossamer.pdata.check.Damage;
import dev.gossamer.pdata.check.DeviceSum;
import dev.gossamer.pdata.check.MetadataCheck;
import dev.gossamer.pdata.check.SpaceMapName;
import dev.gossamer.pdata.scan.DeviceTrees;
import dev.gossamer.thin.metadata.DeviceDetails;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Checks a pool's metadata and says what it means to the volumes (OT-20 to OT-22): every finding, the ranges that are
 * lost, and who shares a data block that nobody should.
 */
public final class OfflineCheck {
    /** A range of a device that cannot be read, both ends included. */
    public record Loss(long deviceId, long first, long last, long metadataBlock) {}

    /** Who maps a data block that is mapped more often than it may be, or to nowhere. */
    public record Owner(long dataBlock, long deviceId, long virtualBlock) {}

    /**
     * What was found.
     *
     * @param superblock the live one
     * @param result findings of the check itself
     * @param damage all findings, those of the superblock first
     * @param losses what cannot be read of which device
     * @param owners of the first data blocks that are damaged
     */
    public record Report(
            PoolSuperblock superblock, CheckResult result, List<Damage> damage, List<Loss> losses, List<Owner> owners) {
        public Report {
            damage = List.copyOf(damage);
            losses = List.copyOf(losses);
            owners = List.copyOf(owners);
        }

        /** The worst that was found; null: nothing was. */
        public Damage.Severity worst() {
            return damage.stream()
                    .map(Damage::severity)
                    .max(java.util.Comparator.naturalOrder())
                    .orElse(null);
        }

        /** Mappings that cannot be read, as far as the devices' details say how many there were. */
        public long mappingsLost() {
            return result.devices().stream().mapToLong(DeviceSum::lost).sum();
        }
    }

    private static final long NONE = -1;
    private static final long MAX_DEVICE_ID = (1 << 24) - 1;
    private static final int MAX_LOSSES = 10_000;
    private static final int OWNERS_OF = 20;

    private final MetadataSource source;
    private long mappingRoot = NONE;
    private long detailsRoot = NONE;
    private CheckScope scope = CheckScope.ALL;
    private final List<Damage> damage = new ArrayList<>();

    public OfflineCheck(MetadataSource source) {
        this.source = source;
    }

    /** Checks other trees than the superblock's; -1 leaves one as it is. */
    public OfflineCheck withRoots(long newMappingRoot, long newDetailsRoot) {
        mappingRoot = newMappingRoot;
        detailsRoot = newDetailsRoot;
        return this;
    }

    public OfflineCheck withScope(CheckScope newScope) {
        scope = newScope;
        return this;
    }

    /**
     * Checks.
     *
     * @throws NoPool if there is no superblock to start from
     * @throws MetadataCorrupt if the metadata snapshot alone was asked for and there is none that can be read
     */
    public Report check() throws NoPool, MetadataCorrupt {
        PoolSuperblock live = source.superblock();
        checkSuperblock(live);
        PoolSuperblock held = held(live);
        CheckRoots roots = MetadataSource.checkRoots(live, held);
        MetadataCheck check = new MetadataCheck(source.feed(), overridden(roots), scope);
        CheckResult result = check.check();
        damage.addAll(result.damage());
        long time = Integer.toUnsignedLong(scope == CheckScope.HELD ? held.time() : live.time());
        if (result.maxTime() > time) {
            damage.add(new Damage.BadSuperblock("the pool's time is " + time + ", but there is a mapping of time "
                    + result.maxTime() + ": what is shared would be taken for a volume's own"));
        }
        checkDevices(result.devices());
        PoolSuperblock of = scope == CheckScope.HELD ? held : live;
        checkRecords(detailsRoot == NONE ? of.detailsRoot() : detailsRoot, of);
        List<Loss> losses = new ArrayList<>();
        for (DeviceSum device : result.devices()) {
            check.lostRanges(device, (location, low, high) -> {
                if (losses.size() < MAX_LOSSES) {
                    losses.add(new Loss(device.id(), low, high, location));
                }
            });
        }
        return new Report(live, result, damage, losses, owners(result));
    }

    private CheckRoots overridden(CheckRoots roots) {
        return new CheckRoots(
                mappingRoot == NONE ? roots.mappingRoot() : mappingRoot,
                detailsRoot == NONE ? roots.detailsRoot() : detailsRoot,
                roots.heldRoot(),
                roots.heldMappingRoot(),
                roots.heldDetailsRoot(),
                roots.data(),
                roots.metadata());
    }

    private PoolSuperblock held(PoolSuperblock live) throws MetadataCorrupt {
        if (live.heldRoot() == 0) {
            if (scope == CheckScope.HELD) {
                throw new MetadataCorrupt(source.name() + " has no metadata snapshot; reserve one first");
            }
            return null;
        }
        try {
            return source.held(live.heldRoot());
        } catch (MetadataCorrupt e) {
            if (scope == CheckScope.HELD) {
                throw e;
            }
            damage.add(new Damage.UnreadableBlock(live.heldRoot(), e.getMessage()));
            return null;
        }
    }

    private void checkSuperblock(PoolSuperblock live) {
        if (!MetadataSource.isBlockSize(live.dataBlockSectors())) {
            damage.add(new Damage.BadSuperblock("data blocks of " + Integer.toUnsignedString(live.dataBlockSectors())
                    + " sectors cannot be: it must be a multiple of 128 up to 2097152"));
        }
        long blocks = live.metadataMap().blocks();
        if (Long.compareUnsigned(blocks, source.feed().blocks()) > 0) {
            damage.add(new Damage.BadSuperblock("the pool has " + Long.toUnsignedString(blocks)
                    + " metadata blocks, the device " + source.feed().blocks()));
        }
    }

    private void checkDevices(List<DeviceSum> devices) {
        for (DeviceSum device : devices) {
            if (Long.compareUnsigned(device.id(), MAX_DEVICE_ID) > 0) {
                damage.add(new Damage.BadDevice(
                        device.id(), Damage.BadDevice.Kind.RECORD, "has an id above " + MAX_DEVICE_ID));
            }
        }
    }

    /** A device is of a transaction and of times that the pool has seen. */
    private void checkRecords(long root, PoolSuperblock pool) {
        try {
            DeviceTrees.forEachDetails(source.feed(), root, (id, leaf, index) -> {
                long[] words = {leaf.value(index), leaf.word(index, 1), leaf.word(index, 2)};
                checkRecord(id, DeviceDetails.fromWords(words), pool);
            });
        } catch (IOException e) {
            throw new AssertionError("nothing here throws it", e);
        }
    }

    private void checkRecord(long id, DeviceDetails details, PoolSuperblock pool) {
        boolean ours = details.isCatalog() || details.isRetired();
        if (!details.isPossible(pool.time())) {
            damage.add(new Damage.BadDevice(
                    id,
                    Damage.BadDevice.Kind.RECORD,
                    "was made at time " + Integer.toUnsignedString(details.creationTime())
                            + " and in a snapshot at time " + Integer.toUnsignedString(details.snapshottedTime())
                            + ", the pool is at time " + Integer.toUnsignedString(pool.time())
                            + ": what it shares cannot be told"));
        } else if (!ours && Long.compareUnsigned(details.transactionId(), pool.transactionId()) > 0) {
            damage.add(new Damage.WrongRecord(
                    id,
                    "was made in transaction " + Long.toUnsignedString(details.transactionId())
                            + ", the pool is at transaction " + Long.toUnsignedString(pool.transactionId())));
        }
    }

    /** Of data blocks that have more references than counts, or lie beyond the device: of the first few. */
    private List<Owner> owners(CheckResult result) {
        List<Long> blocks = new ArrayList<>();
        for (Damage one : damage) {
            if (blocks.size() == OWNERS_OF) {
                break;
            }
            if (one instanceof Damage.CountTooLow low && low.spaceMap() == SpaceMapName.DATA) {
                blocks.add(low.block());
            } else if (one instanceof Damage.MappingBeyondDevice beyond) {
                blocks.add(beyond.dataBlock());
            }
        }
        return blocks.isEmpty() ? List.of() : new OwnerSearch(source.feed(), result.devices()).ownersOf(blocks);
    }
}
