package dev.gossamer.pdata.build;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.btree.NodeLayout;
import dev.gossamer.pdata.scan.NodeView;
import dev.gossamer.pdata.scan.PackedCounts;
import dev.gossamer.pdata.scan.TreeKind;
import java.util.ArrayList;
import java.util.List;

/**
 * Builds a tree of entries that come in the order of their keys. Nodes are full, but for the last two of a level, which
 * are equal. Leaves that exist already can be taken in, to be shared with other trees: as they are, unless one would
 * stand beside less than a third of a leaf, or is less itself: then its entries are copied.
 *
 * <p>Counts one reference for each child of a written node; that of the root is the caller's.
 */
public final class TreeBuilder {
    /** Told what a leaf holds, once it is sure to be in a tree; of a shared leaf, for each tree. */
    public interface LeafUse {
        /**
         * A leaf of this tree's own.
         *
         * @param words of all values; lent during the call
         */
        void own(long[] words, int count) throws StorageException;

        /** A shared leaf. */
        void shared(long location) throws StorageException;
    }

    private static final int CHILD_BYTES = 8;

    private final LinearWriter out;
    private final int valueBytes;
    private final int leafMax;
    private final PackedCounts references;
    private final LeafUse use;
    private final NodeView view = new NodeView();
    /** Entries of no leaf yet. */
    private final Entries loose;
    /** Of the last leaf that was written and is this tree's own. */
    private final Entries lastOwn;
    /** From the parents of leaves upwards: what is in no node yet. */
    private final List<Entries> levels = new ArrayList<>();

    // The last leaf, which has no parent yet. 0: there is none.
    private long lastLocation;
    private long lastKey;
    private int lastCount;
    private boolean lastShared;

    /**
     * @param references where references to metadata blocks are counted
     * @param use told of leaves
     */
    public TreeBuilder(LinearWriter out, TreeKind kind, PackedCounts references, LeafUse use) {
        this.out = out;
        this.valueBytes = kind.leafValueBytes();
        this.leafMax = NodeLayout.maxEntriesFor(valueBytes);
        this.references = references;
        this.use = use;
        loose = new Entries(Math.max(1, valueBytes / Long.BYTES));
        lastOwn = new Entries(loose.wordsEach);
    }

    /** Adds an entry of a tree with one word for a value. */
    public void add(long key, long word) throws StorageException {
        loosenSmall();
        loose.add(key, word);
        writeFull();
    }

    /** Adds an entry. The words are copied. */
    public void add(long key, long[] value) throws StorageException {
        loosenSmall();
        loose.add(key, value);
        writeFull();
    }

    /**
     * Takes in a leaf that exists, behind everything so far.
     *
     * @param count its entries
     */
    public void addShared(long firstKey, long location, int count) throws StorageException {
        loosenSmall();
        if (loose.count == 0 && (lastLocation == 0 || count >= leafMax / 3)) {
            setLast(firstKey, location, count, true);
        } else if (loose.count < leafMax / 3 || count < leafMax / 3) {
            copyOut(location);
            writeFull();
        } else {
            writeLoose();
            setLast(firstKey, location, count, true);
        }
    }

    /** A small shared leaf can be a whole tree, but no part of one. */
    private void loosenSmall() throws StorageException {
        if (lastShared && lastCount < leafMax / 3) {
            copyOut(lastLocation);
            forgetLast();
        }
    }

    private void forgetLast() {
        lastLocation = 0;
        lastShared = false;
        lastCount = 0;
    }

    private void copyOut(long location) throws StorageException {
        String fault = view.look(out.read(location), 0, location);
        if (fault != null) {
            return; // beyond the end of the device, where only numbers of blocks count
        }
        for (int i = 0; i < view.entries(); i++) {
            loose.add(view.key(i), view.value(i));
        }
    }

    private void writeFull() throws StorageException {
        while (loose.count >= 2 * leafMax) {
            writeLeaf(leafMax);
        }
    }

    private void writeLoose() throws StorageException {
        if (loose.count > leafMax) {
            writeLeaf(loose.count / 2);
        }
        if (loose.count > 0) {
            writeLeaf(loose.count);
        }
    }

    private void writeLeaf(int count) throws StorageException {
        long location = NodeWriter.write(out, true, valueBytes, loose.keys, loose.words, 0, count);
        setLast(loose.keys[0], location, count, false);
        lastOwn.clear();
        lastOwn.addAll(loose, count);
        loose.drop(count);
    }

    private void setLast(long key, long location, int count, boolean shared) throws StorageException {
        if (lastLocation != 0) {
            settleLast();
            addChild(0, lastKey, lastLocation);
        }
        lastKey = key;
        lastLocation = location;
        lastCount = count;
        lastShared = shared;
    }

    /** The last leaf stays what it is. */
    private void settleLast() throws StorageException {
        if (lastShared) {
            use.shared(lastLocation);
        } else {
            use.own(lastOwn.words, lastOwn.count);
        }
    }

    private void addChild(int level, long key, long location) throws StorageException {
        if (level == levels.size()) {
            levels.add(new Entries(1));
        }
        Entries children = levels.get(level);
        children.add(key, location);
        int max = NodeLayout.maxEntriesFor(CHILD_BYTES);
        if (children.count == 2 * max) {
            writeInternal(level, max);
        }
    }

    private void writeInternal(int level, int count) throws StorageException {
        Entries children = levels.get(level);
        for (int i = 0; i < count; i++) {
            references.increment(children.words[i]);
        }
        long firstKey = children.keys[0];
        long location = NodeWriter.write(out, false, CHILD_BYTES, children.keys, children.words, 0, count);
        children.drop(count);
        addChild(level + 1, firstKey, location);
    }

    /** Ends the tree. @return its root, of which the reference is the caller's to count */
    public long finish() throws StorageException {
        if (loose.count > 0 && loose.count < leafMax / 3 && lastLocation != 0) {
            takeLastBack();
        }
        writeLoose();
        if (lastLocation == 0) {
            // Nothing at all: an empty leaf.
            lastLocation = NodeWriter.write(out, true, valueBytes, loose.keys, loose.words, 0, 0);
            lastShared = false;
            lastOwn.clear();
        }
        settleLast();
        if (levels.isEmpty()) {
            return lastLocation;
        }
        addChild(0, lastKey, lastLocation);
        int max = NodeLayout.maxEntriesFor(CHILD_BYTES);
        for (int level = 0; ; level++) {
            Entries children = levels.get(level);
            boolean isTop = level == levels.size() - 1;
            if (isTop && children.count == 1) {
                return children.words[0];
            }
            if (children.count > max) {
                writeInternal(level, children.count / 2);
            }
            writeInternal(level, children.count);
        }
    }

    /** What is left over is too little for a leaf: it is put together with the last one, which nothing refers to. */
    private void takeLastBack() throws StorageException {
        Entries tail = new Entries(loose.wordsEach);
        tail.addAll(loose, loose.count);
        loose.clear();
        if (lastShared) {
            copyOut(lastLocation);
        } else {
            loose.addAll(lastOwn, lastOwn.count);
        }
        loose.addAll(tail, tail.count);
        forgetLast();
    }
}
