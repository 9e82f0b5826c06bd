package dev.gossamer.pdata.build;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.btree.NodeLayout;
import dev.gossamer.pdata.scan.TreeKind;

/** Leaves that several trees are going to have: built once, taken in by {@link TreeBuilder#addShared}. */
public final class SharedLeaves {
    private final LinearWriter out;
    private final int valueBytes = TreeKind.MAPPINGS.leafValueBytes();
    private final int leafMax = NodeLayout.maxEntriesFor(valueBytes);
    private Entries loose = new Entries(1);
    /** Of each leaf its first key, and location and entries. */
    private final Entries leaves = new Entries(2);

    private long entries;

    public SharedLeaves(LinearWriter out) {
        this.out = out;
    }

    /** Adds a mapping; keys ascend. */
    public void add(long key, long value) throws StorageException {
        loose.add(key, value);
        entries++;
        if (loose.count == 2 * leafMax) {
            write(leafMax);
        }
    }

    private void write(int count) throws StorageException {
        long location = NodeWriter.write(out, true, valueBytes, loose.keys, loose.words, 0, count);
        leaves.add(loose.keys[0], new long[] {location, count});
        loose.drop(count);
    }

    /** No more is added. */
    public void finish() throws StorageException {
        if (loose.count > leafMax) {
            write(loose.count / 2);
        }
        if (loose.count > 0) {
            write(loose.count);
        }
        loose = null; // there may be millions of us
    }

    /** Mappings in all of them. */
    public long entries() {
        return entries;
    }

    /** Puts all of them into a tree. */
    public void addTo(TreeBuilder tree) throws StorageException {
        for (int i = 0; i < leaves.count; i++) {
            tree.addShared(leaves.keys[i], leaves.words[2 * i], (int) leaves.words[2 * i + 1]);
        }
    }
}
