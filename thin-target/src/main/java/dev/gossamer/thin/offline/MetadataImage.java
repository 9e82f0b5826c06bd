package dev.gossamer.thin.offline;

import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.scan.BlockProof;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;

/** A metadata device in memory, to be damaged with a steady hand: where things are, and checksums made right again. */
public final class MetadataImage {
    public static final int BLOCK = 4096;
    public static final int DATA_MAP = 64;
    public static final int METADATA_MAP = 192;
    public static final int MAPPING_ROOT = 320;
    public static final int DETAILS_ROOT = 328;

    private static final int HELD_ROOT = 56;
    private static final int ENTRIES = 16;
    private static final int KEYS = 32;
    private static final int MAX_WORDS = 252;

    private final BlockProof proof = new BlockProof();
    private ByteBuffer bytes;

    /** @param image of the whole device, which is changed */
    public MetadataImage(byte[] image) {
        bytes = ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Of a file, to be changed in memory. */
    public MetadataImage(Path file) throws IOException {
        this(Files.readAllBytes(file));
    }

    /** Writes all of it to a file. */
    public void write(Path file) throws IOException {
        Files.write(file, bytes.array());
    }

    /** All of it, as it is now. */
    public byte[] toBytes() {
        return bytes.array().clone();
    }

    /** Becomes shorter. */
    public void cut(int blocks) {
        byte[] head = new byte[blocks * BLOCK];
        bytes.get(0, head);
        bytes = ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN);
    }

    public int blocks() {
        return bytes.capacity() / BLOCK;
    }

    public long word(long block, int offset) {
        return bytes.getLong((int) block * BLOCK + offset);
    }

    public int number(long block, int offset) {
        return bytes.getInt((int) block * BLOCK + offset);
    }

    public void putWord(long block, int offset, long value) {
        bytes.putLong((int) block * BLOCK + offset, value);
    }

    public void putNumber(long block, int offset, int value) {
        bytes.putInt((int) block * BLOCK + offset, value);
    }

    /** The bytes alone: number and checksum are the other's until it is sealed. */
    public void copy(long from, long to) {
        bytes.put((int) to * BLOCK, bytes, (int) from * BLOCK, BLOCK);
    }

    public void flip(long block, int offset) {
        int at = (int) block * BLOCK + offset;
        bytes.put(at, (byte) (bytes.get(at) ^ 1));
    }

    /** Makes checksum and number right. */
    public void seal(long block, BlockValidator kind) {
        proof.seal(bytes, (int) block * BLOCK, block, kind);
    }

    /** Makes the checksum right, whatever number the block has. */
    public void sealAs(long block, long number) {
        byte[] copy = new byte[BLOCK];
        bytes.get((int) block * BLOCK, copy);
        ByteBuffer alone = ByteBuffer.wrap(copy).order(ByteOrder.LITTLE_ENDIAN);
        proof.seal(alone, 0, number, BlockValidator.BTREE_NODE);
        bytes.put((int) block * BLOCK, copy);
    }

    public int entries(long node) {
        return number(node, ENTRIES);
    }

    public void setEntries(long node, int entries) {
        putNumber(node, ENTRIES, entries);
    }

    public boolean isLeaf(long node) {
        return number(node, 4) == 2;
    }

    public static int keyAt(int index) {
        return KEYS + Long.BYTES * index;
    }

    /** Of values of a word, in leaves and internal nodes. */
    public static int valueAt(int index) {
        return KEYS + Long.BYTES * (MAX_WORDS + index);
    }

    public long key(long node, int index) {
        return word(node, keyAt(index));
    }

    public long value(long node, int index) {
        return word(node, valueAt(index));
    }

    /** Device ids and roots of their mappings; one leaf of devices. */
    public Map<Long, Long> devices() {
        Map<Long, Long> devices = new LinkedHashMap<>();
        long root = word(0, MAPPING_ROOT);
        if (!isLeaf(root)) {
            throw new NoSuchElementException("its devices are not in one node");
        }
        for (int i = 0; i < entries(root); i++) {
            devices.put(key(root, i), value(root, i));
        }
        return devices;
    }

    public List<Long> leaves(long root) {
        List<Long> leaves = new ArrayList<>();
        if (isLeaf(root)) {
            leaves.add(root);
            return leaves;
        }
        for (int i = 0; i < entries(root); i++) {
            leaves.addAll(leaves(value(root, i)));
        }
        return leaves;
    }

    /** The first leaf that is in the trees of so many devices; of one device if there is none. */
    public long leafOf(int owners) {
        Map<Long, Integer> counts = new LinkedHashMap<>();
        devices().values().forEach(root -> leaves(root).forEach(leaf -> counts.merge(leaf, 1, Integer::sum)));
        return counts.keySet().stream()
                .filter(leaf -> counts.get(leaf) == owners)
                .findFirst()
                .or(() -> counts.keySet().stream().findFirst())
                .orElseThrow(() -> new NoSuchElementException("it has no device"));
    }

    /** The first node above leaves. */
    public long parent() {
        return devices().values().stream()
                .filter(root -> !isLeaf(root))
                .findFirst()
                .orElseThrow(() -> new NoSuchElementException("it has no device with more than one leaf"));
    }

    /** The metadata snapshot's block. */
    public long held() {
        long held = word(0, HELD_ROOT);
        if (held == 0) {
            throw new NoSuchElementException("it has no metadata snapshot");
        }
        return held;
    }

    /** Root of the data space map's counts above 2, a leaf with one at least. */
    public long overflow() {
        long root = word(0, DATA_MAP + 24);
        if (!isLeaf(root) || entries(root) == 0) {
            throw new NoSuchElementException("no data block is shared by more than two");
        }
        return root;
    }

    /** The first bitmap of a space map. */
    public long bitmap(int spaceMap) {
        long root = word(0, spaceMap + 16);
        return spaceMap == METADATA_MAP ? word(root, 16) : word(root, 32 + 8 * 168);
    }

    /** The first block from {@code from} on that has a count. */
    public int blockWithCount(int spaceMap, int count, int from) {
        long bitmap = bitmap(spaceMap);
        for (int block = from; block < 16320; block++) {
            if (count(bitmap, block) == count) {
                return block;
            }
        }
        throw new NoSuchElementException("no block has a count of " + count);
    }

    private int count(long bitmap, int block) {
        int pair = bytes.get((int) bitmap * BLOCK + 16 + block / 4) >> (block % 4 * 2) & 3;
        return ((pair & 1) << 1) | (pair >> 1);
    }

    public void setCount(int spaceMap, int block, int count) {
        long bitmap = bitmap(spaceMap);
        int at = (int) bitmap * BLOCK + 16 + block / 4;
        int shift = block % 4 * 2;
        int pair = ((count & 1) << 1) | (count >> 1);
        bytes.put(at, (byte) ((bytes.get(at) & ~(3 << shift)) | (pair << shift)));
        seal(bitmap, BlockValidator.BITMAP);
    }
}
