package dev.gossamer.pdata.check;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.pdata.block.BlockManager;
import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.block.FrozenTransaction;
import dev.gossamer.pdata.block.MetadataBlock;
import dev.gossamer.pdata.btree.BTree;
import dev.gossamer.pdata.btree.BTreeCursor;
import dev.gossamer.pdata.btree.NestedBTree;
import dev.gossamer.pdata.btree.ValueType;
import dev.gossamer.pdata.scan.RegionReader;
import dev.gossamer.pdata.spacemap.DiskSpaceMap;
import dev.gossamer.pdata.spacemap.MetadataSpaceMap;
import dev.gossamer.pdata.spacemap.SpaceMapRoot;
import dev.gossamer.pdata.tx.TransactionManager;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** The metadata of a thin pool, as small as tests can use it: enough of a superblock for foreign tools to accept it. */
public final class TestPool implements AutoCloseable {
    public static final int SECTORS_PER_DATA_BLOCK = 128;

    private static final long MAGIC = 27022010;

    public final BlockManager blocks;
    public final TransactionManager tx;
    public final MetadataSpaceMap metadataMap;
    public final DiskSpaceMap dataMap;
    public final NestedBTree mappings;
    public final BTree details;
    public long mappingRoot;
    public long detailsRoot;
    public long heldRoot;
    public long transactionId;
    public int time;

    private final IoBufferPool buffers = new IoBufferPool(4096);
    private final long[] value = new long[1];
    private final long[] detail = new long[3];
    private final BlockDevice disk;
    private boolean formatting;

    private TestPool(BlockDevice disk, int cacheBlocks, boolean format) throws StorageException {
        this.disk = disk;
        BlockingIo io = new BlockingIo(disk, new InlineLoop(null, buffers));
        long deviceBlocks = disk.geometry().sizeBytes() / MetadataBlock.BYTES;
        blocks = new BlockManager(io, deviceBlocks, cacheBlocks);
        tx = new TransactionManager(blocks);
        formatting = format;
        if (format) {
            metadataMap = MetadataSpaceMap.create(tx, deviceBlocks);
            dataMap = DiskSpaceMap.create(tx);
        } else {
            MetadataBlock superblock = blocks.read(0, BlockValidator.SUPERBLOCK);
            SpaceMapRoot dataRoot = SpaceMapRoot.read(superblock, 64);
            SpaceMapRoot metadataRoot = SpaceMapRoot.read(superblock, 192);
            time = superblock.getInt(44);
            transactionId = superblock.getLong(48);
            heldRoot = superblock.getLong(56);
            mappingRoot = superblock.getLong(320);
            detailsRoot = superblock.getLong(328);
            metadataMap = MetadataSpaceMap.open(tx, metadataRoot);
            dataMap = DiskSpaceMap.open(tx, dataRoot);
        }
        mappings = new NestedBTree(tx, new MappingType(dataMap), BTree.ALL_KEYS, BTree.ALL_KEYS);
        details = new BTree(tx, ValueType.plain(24));
        if (format) {
            mappingRoot = mappings.create();
            detailsRoot = details.create();
        }
    }

    /** Formats a disk for so many data blocks and commits. */
    public static TestPool format(BlockDevice disk, long dataBlocks, int cacheBlocks) throws StorageException {
        TestPool pool = new TestPool(disk, cacheBlocks, true);
        pool.dataMap.extend(dataBlocks);
        pool.commit();
        return pool;
    }

    /** Opens what the superblock of a disk says. */
    public static TestPool open(BlockDevice disk, int cacheBlocks) throws StorageException {
        return new TestPool(disk, cacheBlocks, false);
    }

    public void commit() throws StorageException {
        blocks.writer().writeNow(freeze(), null);
        tx.committed();
    }

    /** Ends the transaction: what is returned is to be written, and then {@code tx} told that it is committed. */
    public FrozenTransaction freeze() throws StorageException {
        tx.preCommit();
        MetadataBlock superblock = formatting ? tx.newSuperblock() : tx.superblockForUpdate();
        if (formatting) {
            superblock.putLong(32, MAGIC);
            superblock.putInt(40, 2);
            superblock.putInt(336, SECTORS_PER_DATA_BLOCK);
            superblock.putInt(340, 8);
            superblock.putLong(344, metadataMap.blocks());
            formatting = false;
        }
        superblock.putInt(44, time);
        superblock.putLong(48, transactionId);
        superblock.putLong(56, heldRoot);
        dataMap.root().write(superblock, 64);
        metadataMap.root().write(superblock, 192);
        superblock.putLong(320, mappingRoot);
        superblock.putLong(328, detailsRoot);
        return tx.freeze(superblock);
    }

    public void createDevice(long id) throws StorageException {
        mappingRoot = mappings.createSubtree(mappingRoot, id);
        putDetails(id, 0, time);
    }

    public void snapshot(long origin, long id) throws StorageException {
        long root = mappings.subtreeRoot(mappingRoot, origin);
        tx.increment(root);
        mappingRoot = mappings.addSubtree(mappingRoot, id, root);
        time++;
        long mapped = mappedBlocks(origin);
        putDetails(origin, mapped, time);
        putDetails(id, mapped, time);
    }

    public void deleteDevice(long id) throws StorageException {
        detailsRoot = details.remove(detailsRoot, id);
        mappingRoot = mappings.removeSubtree(mappingRoot, id);
    }

    /** Maps a virtual block to a newly allocated data block. */
    public long provision(long id, long virtualBlock) throws StorageException {
        long dataBlock = dataMap.allocate();
        value[0] = dataBlock << 24 | time;
        mappingRoot = mappings.insert(mappingRoot, id, virtualBlock, value);
        if (mappings.insertCreatedKey()) {
            putDetails(id, mappedBlocks(id) + 1, time);
        }
        return dataBlock;
    }

    public long discard(long id, long from, long toExclusive) throws StorageException {
        mappingRoot = mappings.removeRange(mappingRoot, id, from, toExclusive);
        long removed = mappings.removedCount();
        if (removed > 0) {
            putDetails(id, mappedBlocks(id) - removed, time);
        }
        return removed;
    }

    public void reserveHeld() throws StorageException {
        commit();
        MetadataBlock copy = tx.newBlock(BlockValidator.SUPERBLOCK);
        heldRoot = copy.location();
        copy.copyFrom(tx.read(0, BlockValidator.SUPERBLOCK));
        copy.zero(64, 256);
        tx.increment(mappingRoot);
        tx.increment(detailsRoot);
        commit();
    }

    public void releaseHeld() throws StorageException {
        MetadataBlock copy = tx.read(heldRoot, BlockValidator.SUPERBLOCK);
        long heldMappings = copy.getLong(320);
        long heldDetails = copy.getLong(328);
        mappings.delete(heldMappings);
        details.delete(heldDetails);
        tx.decrement(heldRoot);
        heldRoot = 0;
        commit();
    }

    /** Virtual block to packed mapping, of one device. */
    public Map<Long, Long> mappingsOf(long id) throws StorageException {
        Map<Long, Long> result = new TreeMap<>();
        BTreeCursor cursor = mappings.cursor(mappingRoot, id, 0);
        while (cursor.next()) {
            result.put(cursor.key(), cursor.value(0));
        }
        return result;
    }

    /** Device id to all its mappings. */
    public Map<Long, Map<Long, Long>> allMappings() throws StorageException {
        Map<Long, Map<Long, Long>> result = new TreeMap<>();
        BTreeCursor cursor = mappings.upperCursor(mappingRoot, 0);
        while (cursor.next()) {
            result.put(cursor.key(), mappingsOf(cursor.key()));
        }
        return result;
    }

    public long mappedBlocks(long id) throws StorageException {
        return details.lookup(detailsRoot, id, detail) ? detail[0] : -1;
    }

    /** For what changes mappings without this class. */
    public void setMappedBlocks(long id, long mappedBlocks) throws StorageException {
        details.lookup(detailsRoot, id, detail);
        detail[0] = mappedBlocks;
        detailsRoot = details.insert(detailsRoot, id, detail);
    }

    /** What the checker finds in the committed state; it reads through the pool's own cache. */
    public List<Damage> damage() throws StorageException {
        MetadataBlock superblock = blocks.read(0, BlockValidator.SUPERBLOCK);
        long held = superblock.getLong(56);
        long mapping = superblock.getLong(320);
        long detail = superblock.getLong(328);
        SpaceMapRoot data = SpaceMapRoot.read(superblock, 64);
        SpaceMapRoot metadata = SpaceMapRoot.read(superblock, 192);
        long heldMapping = 0;
        long heldDetails = 0;
        if (held != 0) {
            MetadataBlock copy = blocks.read(held, BlockValidator.SUPERBLOCK);
            heldMapping = copy.getLong(320);
            heldDetails = copy.getLong(328);
        }
        CheckRoots roots = new CheckRoots(mapping, detail, held, heldMapping, heldDetails, data, metadata);
        List<Damage> model = new MetadataChecker(blocks, roots).check();
        List<Damage> found = scan(roots);
        assertEquals(texts(model), texts(found), "the check and its simple model disagree");
        return found;
    }

    /** Reads the disk itself, where everything committed is. */
    private List<Damage> scan(CheckRoots roots) throws StorageException {
        try (IoBufferPool memory = new IoBufferPool(2 << 20);
                RegionReader feed =
                        new RegionReader(new BlockingIo(disk, new InlineLoop(null, memory)), blocks.deviceBlocks())) {
            return new MetadataCheck(feed, roots, CheckScope.ALL).check().damage();
        }
    }

    private static Set<String> texts(List<Damage> damage) {
        return damage.stream()
                .map(one -> one.severity() + " " + one.text())
                .collect(Collectors.toCollection(TreeSet::new));
    }

    @Override
    public void close() {
        blocks.close();
        buffers.close();
    }

    private void putDetails(long id, long mappedBlocks, int snapshottedTime) throws StorageException {
        boolean known = details.lookup(detailsRoot, id, detail);
        detail[0] = mappedBlocks;
        if (!known) {
            detail[1] = transactionId;
        }
        long creationTime = known ? detail[2] & 0xFFFFFFFFL : time;
        detail[2] = (long) snapshottedTime << 32 | creationTime;
        detailsRoot = details.insert(detailsRoot, id, detail);
    }

    private record MappingType(DiskSpaceMap dataMap) implements ValueType {
        @Override
        public int sizeBytes() {
            return Long.BYTES;
        }

        @Override
        public void increment(long[] value) throws StorageException {
            dataMap.increment(value[0] >>> 24);
        }

        @Override
        public void decrement(long[] value) throws StorageException {
            dataMap.decrement(value[0] >>> 24);
        }

        @Override
        public boolean isEqual(long[] before, long[] after) {
            return before[0] >>> 24 == after[0] >>> 24;
        }
    }
}
