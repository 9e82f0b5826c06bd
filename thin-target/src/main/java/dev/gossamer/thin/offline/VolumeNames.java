package dev.gossamer.thin.offline;

import dev.gossamer.io.BlockingIo;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.scan.BlockFeed;
import dev.gossamer.thin.catalog.CatalogScan;
import dev.gossamer.thin.catalog.CatalogSlot;
import dev.gossamer.thin.metadata.DeviceDetails;
import java.io.IOException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;

/**
 * The names that a pool of this program keeps in its catalog, read without opening the pool. In parentheses: what is no
 * volume.
 */
public final class VolumeNames {
    private static final String CATALOG = "(names)";
    private static final String DELETED = "(deleted)";
    /** Ids have 24 bits; a larger one is no device of ours. */
    private static final long MAX_ID = (1 << 24) - 1;

    private final BlockFeed feed;
    private final long blockBytes;
    private final BlockingIo data;
    private final List<PoolDump.Tree> devices;

    /**
     * @param blockBytes of a data block
     * @param data the pool's data device, which is read where the catalog is
     * @param devices of the pool, all of them
     */
    public VolumeNames(BlockFeed feed, long blockBytes, BlockingIo data, List<PoolDump.Tree> devices) {
        this.feed = feed;
        this.blockBytes = blockBytes;
        this.data = data;
        this.devices = List.copyOf(devices);
    }

    /**
     * Reads them.
     *
     * @return by device id; a device that has none is left out
     * @throws MetadataCorrupt if the catalog cannot be read
     */
    public Map<Long, String> read() throws IOException {
        Map<Long, String> names = new HashMap<>();
        PoolDump.Tree catalog = catalog(names);
        if (catalog != null) {
            forEachSlot(catalog, (id, slot) -> names.putIfAbsent(id, slot.name()));
        }
        return names;
    }

    /**
     * Where the external origins of volumes are.
     *
     * @return by device id; a volume over none is left out
     */
    public Map<Long, String> origins() throws IOException {
        Map<Long, String> origins = new HashMap<>();
        PoolDump.Tree catalog = catalog(new HashMap<>());
        if (catalog != null) {
            forEachSlot(catalog, (id, slot) -> {
                if (slot.externalOrigin() != null) {
                    origins.put(id, slot.externalOrigin().location());
                }
            });
        }
        return origins;
    }

    /** The catalog; null: there is none. Names what is no volume. */
    private PoolDump.Tree catalog(Map<Long, String> names) {
        PoolDump.Tree catalog = null;
        for (PoolDump.Tree tree : devices) {
            if (details(tree).isRetired()) {
                names.put(tree.device().id(), DELETED);
            } else if (details(tree).isCatalog()) {
                catalog = tree; // of several the highest counts
            }
        }
        if (catalog != null) {
            names.put(catalog.device().id(), CATALOG);
        }
        return catalog;
    }

    private void forEachSlot(PoolDump.Tree catalog, BiConsumer<Long, CatalogSlot> taker) throws IOException {
        Map<Long, Long> places = places(catalog.root());
        int generation = details(catalog).catalogGeneration();
        try (CatalogScan slots =
                CatalogScan.ofClosedPool(block -> places.getOrDefault(block, -1L), blockBytes, data, generation)) {
            for (PoolDump.Tree tree : devices) {
                long id = tree.device().id();
                CatalogSlot slot = isOurs(id) ? slots.get((int) id, details(tree)) : null;
                if (slot != null && !slot.deleted() && !slot.catalogItself()) {
                    taker.accept(id, slot);
                }
            }
        }
    }

    private static boolean isOurs(long id) {
        return id >= 0 && id <= MAX_ID;
    }

    /** Data blocks of those blocks of the catalog that have slots of devices. */
    private Map<Long, Long> places(long root) throws IOException {
        Set<Long> wanted = new HashSet<>();
        devices.stream()
                .map(tree -> tree.device().id())
                .filter(VolumeNames::isOurs)
                .forEach(id -> wanted.add(id * CatalogSlot.SLOT_BYTES / blockBytes));
        Map<Long, Long> places = new HashMap<>();
        long dataBlocks = data.device().sizeBytes() / blockBytes;
        for (MappingCursor mappings = new MappingCursor(feed, root); mappings.next(); ) {
            if (!wanted.contains(mappings.virtualBlock())) {
                continue;
            }
            if (mappings.dataBlock() >= dataBlocks) {
                throw new MetadataCorrupt("the catalog lies in data block " + mappings.dataBlock()
                        + ", and the data device has " + dataBlocks);
            }
            places.put(mappings.virtualBlock(), mappings.dataBlock());
        }
        return places;
    }

    private static DeviceDetails details(PoolDump.Tree tree) {
        PoolSink.Device device = tree.device();
        return new DeviceDetails(device.mappedBlocks(), device.transactionId(), (int) device.creationTime(), (int)
                device.snapshottedTime());
    }
}
