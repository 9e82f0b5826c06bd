package dev.gossamer.pdata.scan;

import java.util.ArrayList;
import java.util.List;

/**
 * What is known of visited nodes: 24 bytes each, by layer and by rank in it. A node's number is its place in all layers
 * together.
 *
 * <pre>
 *  note: bit  0..39 entries of all leaves below   40..47 height   48..56 own entries   57.. flags
 * </pre>
 */
final class NodeTable {
    static final int NOWHERE = -1;

    /** The node itself cannot be used. */
    static final long BAD = 1L << 57;
    /** Something below it cannot be used. */
    static final long UNSOUND = 1L << 58;
    /** Entries below, height and keys are final. */
    static final long DONE = 1L << 59;

    static final long UNDER_WAY = 1L << 60;
    /** Its lack of entries has been reported. */
    static final long REPORTED = 1L << 61;

    private static final int HEIGHT_SHIFT = 40;
    private static final int OWN_SHIFT = 48;
    private static final long BELOW = (1L << HEIGHT_SHIFT) - 1;

    private static final class Layer {
        final BlockSet members;
        final int base;
        final long[] low;
        final long[] high;
        final long[] notes;

        Layer(BlockSet members, int base) {
            this.members = members;
            this.base = base;
            low = new long[members.size()];
            high = new long[members.size()];
            notes = new long[members.size()];
        }
    }

    private final List<Layer> layers = new ArrayList<>();
    private int nodes;

    /** Adds nodes that are going to be visited. */
    void addLayer(BlockSet members) {
        members.index();
        layers.add(new Layer(members, nodes));
        nodes += members.size();
    }

    int layers() {
        return layers.size();
    }

    int nodes() {
        return nodes;
    }

    /** The number of a node; NOWHERE if it was never to be visited. */
    int find(long location) {
        for (int i = layers.size() - 1; i >= 0; i--) {
            Layer layer = layers.get(i);
            if (layer.members.contains(location)) {
                return layer.base + layer.members.rank(location);
            }
        }
        return NOWHERE;
    }

    boolean contains(long location) {
        for (Layer layer : layers) {
            if (layer.members.contains(location)) {
                return true;
            }
        }
        return false;
    }

    private Layer layerOf(int node) {
        int i = layers.size() - 1;
        while (layers.get(i).base > node) {
            i--;
        }
        return layers.get(i);
    }

    void setKeys(int node, long low, long high) {
        Layer layer = layerOf(node);
        layer.low[node - layer.base] = low;
        layer.high[node - layer.base] = high;
    }

    long low(int node) {
        Layer layer = layerOf(node);
        return layer.low[node - layer.base];
    }

    long high(int node) {
        Layer layer = layerOf(node);
        return layer.high[node - layer.base];
    }

    long note(int node) {
        Layer layer = layerOf(node);
        return layer.notes[node - layer.base];
    }

    void setNote(int node, long note) {
        Layer layer = layerOf(node);
        layer.notes[node - layer.base] = note;
    }

    void addFlags(int node, long flags) {
        setNote(node, note(node) | flags);
    }

    static long note(long below, int height, int ownEntries, long flags) {
        return (below & BELOW) | ((long) height << HEIGHT_SHIFT) | ((long) ownEntries << OWN_SHIFT) | flags;
    }

    static long below(long note) {
        return note & BELOW;
    }

    static int height(long note) {
        return (int) (note >>> HEIGHT_SHIFT) & 0xff;
    }

    static int ownEntries(long note) {
        return (int) (note >>> OWN_SHIFT) & 0x1ff;
    }

    static boolean is(long note, long flag) {
        return (note & flag) != 0;
    }
}
