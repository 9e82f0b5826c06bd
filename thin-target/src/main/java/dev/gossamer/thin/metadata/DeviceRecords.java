package dev.gossamer.thin.metadata;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.btree.BTree;
import dev.gossamer.pdata.btree.BTreeCursor;
import dev.gossamer.pdata.btree.ValueType;
import dev.gossamer.pdata.tx.TransactionManager;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.function.IntSupplier;

/**
 * The details tree: which devices there are. Records that changed are kept in memory until the transaction ends, for a
 * device that is written to changes its own with every new block. Worker's thread.
 */
final class DeviceRecords {
    private final BTree tree;
    private final IntSupplier poolTime;
    private final TreeMap<Integer, DeviceDetails> recent = new TreeMap<>();
    private final long[] words = new long[DeviceDetails.WORDS];
    private long root;
    private long puts;
    private String damage;

    DeviceRecords(TransactionManager transaction, long root, IntSupplier poolTime) {
        this.poolTime = poolTime;
        this.tree = new BTree(transaction, ValueType.plain(DeviceDetails.BYTES), DeviceDetails.MAX_DEVICES - 1);
        this.root = root;
    }

    /** Without what {@link #flush} has still to store. */
    long root() {
        return root;
    }

    /** Ids of all stored devices, ascending. */
    List<Integer> ids() throws StorageException {
        List<Integer> ids = new ArrayList<>();
        BTreeCursor cursor = tree.cursor(root, 0);
        try {
            while (cursor.next()) {
                ids.add((int) cursor.key());
            }
        } catch (MetadataCorrupt e) {
            damage = "not all devices of the pool can be found: " + e.getMessage();
        }
        return ids;
    }

    /** What {@link #ids} has met that hides devices; null: nothing. */
    String damage() {
        return damage;
    }

    /** A device's record; null if there is no such device. */
    DeviceDetails get(int id) throws StorageException {
        DeviceDetails latest = recent.get(id);
        if (latest != null) {
            return latest;
        }
        return get(root, id);
    }

    /** A device's record in a version of the tree that was stored; null if there is no such device in it. */
    DeviceDetails get(long ofRoot, int id) throws StorageException {
        if (!tree.lookup(ofRoot, id, words)) {
            return null;
        }
        DeviceDetails stored = DeviceDetails.fromWords(words);
        if (!stored.isPossible(poolTime.getAsInt())) {
            throw new MetadataCorrupt("the record of thin device " + id + " cannot be right at the pool's time "
                    + poolTime.getAsInt() + ": " + stored);
        }
        return stored;
    }

    /** The record of a device that must exist. */
    DeviceDetails existing(int id) throws StorageException {
        DeviceDetails found = get(id);
        if (found == null) {
            throw new StorageException(Errno.ENODEV, "thin device " + id + " is gone");
        }
        return found;
    }

    /** How often a record was put so far. */
    long puts() {
        return puts;
    }

    void put(int id, DeviceDetails details) {
        puts++;
        recent.put(id, details);
    }

    /** A device has so many mappings more; negative: less. */
    void addMapped(int id, long count) throws StorageException {
        DeviceDetails present = existing(id);
        // Another program may have left a wrong count, and the tree decides.
        put(id, present.withMappedBlocks(Math.max(0, present.mappedBlocks() + count)));
    }

    void remove(int id) throws StorageException {
        root = tree.remove(root, id);
        recent.remove(id);
    }

    /** Whether {@link #flush} has anything to do. */
    boolean hasChanges() {
        return !recent.isEmpty();
    }

    /** By how much {@link #flushCost} grows once so many more devices have changed. */
    long changeCost(long more) throws StorageException {
        return flushCost(more) - flushCost(0);
    }

    /** Metadata blocks that {@link #flush} takes at most, with so many records more. */
    long flushCost(long more) throws StorageException {
        return tree.changeCost(root, recent.size() + more);
    }

    /** Metadata blocks that {@link #remove} takes at most. */
    long removalCost() throws StorageException {
        return tree.removalCost(root, 1);
    }

    /** Puts changed records into the tree. */
    void flush() throws StorageException {
        for (var entry : recent.entrySet()) {
            entry.getValue().toWords(words);
            root = tree.insert(root, entry.getKey(), words);
        }
        recent.clear();
    }

    /** Drops a reference to an earlier version of the tree. */
    void delete(long oldRoot) throws StorageException {
        tree.delete(oldRoot);
    }
}
