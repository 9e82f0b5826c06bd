package dev.gossamer.thin.pool;

import dev.gossamer.io.sim.SimulatedDisk;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.zip.GZIPInputStream;

/**
 * The metadata of a pool before anybody forged it: its blocks, and what is in them, read by a decoder of the test's
 * own. Knows which devices a metadata block or a data block belongs to; everybody's is what all devices need.
 */
final class ForgeryImage {
    /** What a metadata block is, for whoever edits it. */
    enum Kind {
        SUPERBLOCK(160774),
        NODE(121107),
        BITMAP(240779),
        INDEX(160478);

        final int salt;

        Kind(int salt) {
            this.salt = salt;
        }
    }

    /** What a tree's leaves hold. */
    enum Tree {
        UPPER,
        MAPPINGS,
        DETAILS,
        COUNTS,
        BITMAPS
    }

    private static final Path FIXTURES = Path.of("../it-tests/src/test/resources/fixtures");
    private static final int BLOCK_BYTES = ForgedMetadata.BLOCK_BYTES;

    final String name;
    final long metadataBlocks;
    final long dataBlocks;
    final int blockBytes;
    final Map<Long, byte[]> blocks = new TreeMap<>();
    final Map<Long, Kind> kinds = new TreeMap<>();
    final Map<Long, Tree> trees = new HashMap<>();
    /** Devices that get to a node of mappings; a block that is not here is everybody's, or nobody's. */
    final Map<Long, Set<Integer>> nodeOwners = new HashMap<>();

    final Map<Long, Set<Integer>> dataOwners = new HashMap<>();
    final Map<Integer, TreeMap<Long, Long>> mappings = new TreeMap<>();

    private ForgeryImage(String name, SimulatedDisk disk) {
        this.name = name;
        metadataBlocks = disk.geometry().sizeBytes() / BLOCK_BYTES;
        byte[] zeros = new byte[BLOCK_BYTES];
        for (long b = 0; b < metadataBlocks; b++) {
            byte[] block = disk.readNow(b * BLOCK_BYTES, BLOCK_BYTES);
            if (!Arrays.equals(zeros, block)) {
                blocks.put(b, block);
            }
        }
        ByteBuffer superblock = at(0);
        blockBytes = superblock.getInt(336) * 512;
        dataBlocks = superblock.getLong(64);
        kinds.put(0L, Kind.SUPERBLOCK);
        devices(superblock.getLong(320));
        walk(superblock.getLong(328), Tree.DETAILS, -1);
        walk(superblock.getLong(64 + 16), Tree.BITMAPS, -1);
        walk(superblock.getLong(64 + 24), Tree.COUNTS, -1);
        walk(superblock.getLong(192 + 24), Tree.COUNTS, -1);
        index(superblock);
    }

    static ForgeryImage fixture(String name) throws IOException {
        byte[] image;
        try (InputStream in =
                new GZIPInputStream(Files.newInputStream(FIXTURES.resolve(name).resolve("meta.img.gz")))) {
            image = in.readAllBytes();
        }
        SimulatedDisk disk = new SimulatedDisk(image.length);
        disk.writeNow(0, image);
        return new ForgeryImage(name, disk);
    }

    static ForgeryImage of(String name, SimulatedDisk disk) {
        return new ForgeryImage(name, disk);
    }

    SimulatedDisk disk() {
        SimulatedDisk disk = new SimulatedDisk(metadataBlocks * BLOCK_BYTES);
        blocks.forEach((location, block) -> disk.writeNow(location * BLOCK_BYTES, block));
        return disk;
    }

    ByteBuffer at(long location) {
        return ByteBuffer.wrap(blocks.get(location).clone()).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Nodes and blocks that something refers to, ascending. */
    List<Long> inUse() {
        return new ArrayList<>(kinds.keySet());
    }

    Set<Integer> ownersOfData(long dataBlock) {
        return dataOwners.getOrDefault(dataBlock, Set.of());
    }

    private void devices(long upperRoot) {
        for (long[] entry : walk(upperRoot, Tree.UPPER, -1)) {
            int id = (int) entry[0];
            TreeMap<Long, Long> mapped = new TreeMap<>();
            for (long[] mapping : walk(entry[1], Tree.MAPPINGS, id)) {
                mapped.put(mapping[0], mapping[1] >>> 24);
                dataOwners
                        .computeIfAbsent(mapping[1] >>> 24, key -> new TreeSet<>())
                        .add(id);
            }
            mappings.put(id, mapped);
        }
    }

    private List<long[]> walk(long location, Tree tree, int device) {
        kinds.put(location, Kind.NODE);
        trees.put(location, tree);
        if (device >= 0) {
            nodeOwners.computeIfAbsent(location, key -> new TreeSet<>()).add(device);
        }
        ByteBuffer node = at(location);
        List<long[]> entries = new ArrayList<>();
        for (int i = 0; i < node.getInt(16); i++) {
            int value = ForgedMetadata.valueOffset(node, i);
            if (node.getInt(4) == 1) {
                entries.addAll(walk(node.getLong(value), tree, device));
            } else {
                long word = node.getInt(24) == 4 ? node.getInt(value) : node.getLong(value);
                entries.add(new long[] {node.getLong(ForgedMetadata.keyOffset(i)), word});
                if (tree == Tree.BITMAPS) {
                    kinds.put(word, Kind.BITMAP);
                }
            }
        }
        return entries;
    }

    private void index(ByteBuffer superblock) {
        long location = superblock.getLong(192 + 16);
        kinds.put(location, Kind.INDEX);
        ByteBuffer index = at(location);
        for (long i = 0; i * 16320 < superblock.getLong(192); i++) {
            kinds.put(index.getLong(16 + 16 * (int) i), Kind.BITMAP);
        }
    }
}
