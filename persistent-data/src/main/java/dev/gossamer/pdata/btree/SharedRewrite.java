package dev.gossamer.pdata.btree;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.block.MetadataBlock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.LongPredicate;
import java.util.function.LongUnaryOperator;

/**
 * Replaces values in several subtrees at once and keeps what these share: a node that has many parents is written once,
 * and all of them get the new one (RL-2). So the cost is that of the nodes there are, however many subtrees lead to
 * them. Two phases, with no change of the trees in between:
 *
 * <ol>
 *   <li>{@link #add} walks to each place, and notes every node on the way with the references to it that were met.
 *   <li>{@link #apply} writes a new version of each node. One of which these are {@link #isComplete all there are} is
 *       freed, and what is below it needs no counting. One that others lead to as well stays, for these: what the two
 *       have in common has one reference more from then on, as with any copy on write.
 * </ol>
 *
 * <p>Values have one word. A metadata snapshot has references that no subtree leads to; then nothing is complete, nor
 * {@link #isUpperLevelOwn}.
 */
public final class SharedRewrite {
    private static final long INDEX_BITS = 10;

    private static final class Node {
        final long location;
        // Whence it is referred to: upper keys, or parent and index.
        final Set<Long> references = new HashSet<>();
        final TreeMap<Integer, Node> children = new TreeMap<>();
        // Index in a leaf, to the value that is there.
        final TreeMap<Integer, Long> hits = new TreeMap<>();
        long newLocation;
        // References to it that go to the new version.
        int leaving;
        // All do, and it is freed.
        boolean whole;

        Node(long location) {
            this.location = location;
        }
    }

    private final BTree upper;
    private final BTree lower;
    private final long root;
    private final Map<Long, Node> nodes = new LinkedHashMap<>();
    private final Map<Long, Node> subtrees = new LinkedHashMap<>();
    private final long[] word = new long[1];

    SharedRewrite(BTree upper, BTree lower, long root) {
        this.upper = upper;
        this.lower = lower;
        this.root = root;
    }

    /**
     * Notes a place, if its value is one that is to be replaced.
     *
     * @param subtree its root, which is what the upper key has
     * @return whether it is
     */
    public boolean add(long upperKey, long subtree, long key, LongPredicate isReplaced) throws StorageException {
        if (!lower.lookup(subtree, key, word) || !isReplaced.test(word[0])) {
            return false;
        }
        Node node = noted(subtree, 0, -1 - upperKey);
        subtrees.put(upperKey, node);
        MetadataBlock block = lower.readRoot(subtree);
        long bound = lower.maxKey;
        for (int depth = 1; !NodeLayout.isLeaf(block); depth++) {
            int index = NodeLayout.indexOf(block, key);
            bound = NodeLayout.lastKeyBelow(block, index, bound);
            Node child = noted(NodeLayout.child(block, index), depth, node.location << INDEX_BITS | index);
            node.children.put(index, child);
            block = lower.readChild(block, index, bound);
            node = child;
        }
        int index = NodeLayout.indexOf(block, key);
        long value = NodeLayout.word(block, index, 0);
        node.hits.put(index, value);
        return true;
    }

    /** Notes that one more upper key has a subtree in which places are noted: that is one more way to all of them. */
    public void addSharer(long upperKey, long subtree) throws StorageException {
        subtrees.put(upperKey, noted(subtree, 0, -1 - upperKey));
    }

    private Node noted(long location, int depth, long reference) throws StorageException {
        if (depth >= BTree.MAX_DEPTH) {
            throw lower.tooDeep(location);
        }
        Node node = nodes.computeIfAbsent(location, Node::new);
        node.references.add(reference);
        return node;
    }

    /** Whether nothing but the root of the whole leads to the subtrees in which places are noted. */
    public boolean isUpperLevelOwn() throws StorageException {
        for (long upperKey : subtrees.keySet()) {
            BTreeCursor cursor = upper.cursor(root, upperKey);
            if (!cursor.next() || cursor.isPathShared()) {
                return false;
            }
        }
        return true;
    }

    /** Whether all references to the noted nodes have been met. */
    public boolean isComplete() throws StorageException {
        if (!isUpperLevelOwn()) {
            return false;
        }
        for (Node node : nodes.values()) {
            if (node.references.size() != lower.tx.count(node.location)) {
                return false;
            }
        }
        return true;
    }

    /** The values that are in the noted places, and in how many leaves each of them is. */
    public Map<Long, Integer> values() {
        Map<Long, Integer> values = new HashMap<>();
        nodes.values().forEach(node -> node.hits.values().forEach(value -> values.merge(value, 1, Integer::sum)));
        return values;
    }

    /** Nodes that are noted: as many blocks as {@link #apply} takes, the upper level aside. */
    public int nodes() {
        return nodes.size();
    }

    /** References to these nodes, together. */
    public int references() {
        return nodes.values().stream().mapToInt(node -> node.references.size()).sum();
    }

    /** Subtrees that get another root. */
    public int subtrees() {
        return subtrees.size();
    }

    /** Nodes that stay as well, for others that lead to them: all that is in them has one reference more then. */
    public int copies() throws StorageException {
        return (int) parentsFirst().stream().filter(node -> !node.whole).count();
    }

    /**
     * Replaces the values. Each gets its references by {@link ValueType#increment} before an old one loses any. Returns
     * the new root of the whole.
     */
    public long apply(LongUnaryOperator replacement) throws StorageException {
        List<Node> parentsFirst = parentsFirst();
        List<Long> before = new ArrayList<>();
        for (Node node : nodes.values()) {
            for (long value : node.hits.values()) {
                if (node.whole) {
                    before.add(value);
                }
                word[0] = replacement.applyAsLong(value);
                lower.type.increment(word);
            }
        }
        for (Node node : parentsFirst.reversed()) {
            rewrite(node, replacement);
        }
        long newRoot = root;
        UpperPath path = new UpperPath(upper);
        for (Map.Entry<Long, Node> subtree : subtrees.entrySet()) {
            MetadataBlock leaf = path.shadow(newRoot, subtree.getKey());
            NodeLayout.setChild(leaf, path.leafIndex(), subtree.getValue().newLocation);
            newRoot = path.newRoot();
        }
        for (long value : before) {
            word[0] = value;
            lower.type.decrement(word);
        }
        return newRoot;
    }

    /**
     * All nodes, each before those below it, and which of them go as a whole. Depths do not tell that order: a node may
     * be at another depth of a tree that has grown since it was shared.
     */
    private List<Node> parentsFirst() throws StorageException {
        Set<Node> placed = new HashSet<>();
        List<Node> order = new ArrayList<>();
        subtrees.values().forEach(node -> place(node, placed, order));
        List<Node> parentsFirst = order.reversed();
        parentsFirst.forEach(node -> node.leaving = 0);
        subtrees.values().forEach(node -> node.leaving++);
        for (Node node : parentsFirst) {
            node.whole = node.leaving == lower.tx.count(node.location);
            if (node.whole) {
                node.children.values().forEach(child -> child.leaving++);
            }
        }
        return parentsFirst;
    }

    private static void place(Node node, Set<Node> placed, List<Node> childrenFirst) {
        if (placed.add(node)) {
            node.children.values().forEach(child -> place(child, placed, childrenFirst));
            childrenFirst.add(node);
        }
    }

    private void rewrite(Node node, LongUnaryOperator replacement) throws StorageException {
        int references = node.references.size();
        MetadataBlock block;
        if (node.whole && references == 1) {
            block = lower.tx.shadow(node.location, BlockValidator.BTREE_NODE, lower::incrementChildren);
        } else {
            block = lower.tx.newBlock(BlockValidator.BTREE_NODE);
            block.copyFrom(lower.tx.read(node.location, BlockValidator.BTREE_NODE));
            if (!node.whole) {
                incrementOthers(node, block);
            }
        }
        node.newLocation = block.location();
        node.children.forEach((index, child) -> NodeLayout.setChild(block, index, child.newLocation));
        node.hits.forEach((index, value) -> {
            word[0] = replacement.applyAsLong(value);
            NodeLayout.setValue(block, index, word);
        });
        if (!node.whole || references > 1) {
            for (int i = 1; i < references; i++) {
                lower.tx.increment(node.newLocation);
            }
            for (int i = 0; i < node.leaving; i++) {
                lower.tx.decrement(node.location);
            }
        }
    }

    /** What is in both versions of a node, with one reference for each. */
    private void incrementOthers(Node node, MetadataBlock block) throws StorageException {
        boolean leaf = NodeLayout.isLeaf(block);
        for (int i = 0; i < NodeLayout.entries(block); i++) {
            if (leaf && !node.hits.containsKey(i)) {
                word[0] = NodeLayout.word(block, i, 0);
                lower.type.increment(word);
            } else if (!leaf && !node.children.containsKey(i)) {
                lower.tx.increment(NodeLayout.child(block, i));
            }
        }
    }
}
