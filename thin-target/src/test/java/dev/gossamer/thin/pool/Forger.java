package dev.gossamer.thin.pool;

import dev.gossamer.io.sim.SimulatedDisk;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;

/**
 * Makes one edit of an image, at random but knowing the format, and makes the checksum right. Says what it did, and
 * which devices it meets: those that own the edited block, and those that own what it was made to point at.
 */
final class Forger {
    /** Among the devices that are met if all are, by an edit of what all of them need. */
    private static final int ALL = -1;

    private final ForgeryImage image;
    private final SplittableRandom random;
    private final TreeSet<Integer> met = new TreeSet<>();
    private String what;

    Forger(ForgeryImage image, SplittableRandom random) {
        this.image = image;
        this.random = random;
    }

    String what() {
        return what;
    }

    Set<Integer> met() {
        return met;
    }

    static boolean meetsAll(Set<Integer> met) {
        return met.contains(ALL);
    }

    void edit(SimulatedDisk disk) {
        List<Long> inUse = image.inUse();
        long location = random.nextInt(6) == 0 ? 0 : inUse.get(random.nextInt(inUse.size()));
        ForgeryImage.Kind kind = image.kinds.get(location);
        ByteBuffer block = image.at(location);
        Set<Integer> owners = image.nodeOwners.get(location);
        if (owners == null) {
            met.add(ALL);
        } else {
            met.addAll(owners);
        }
        String how =
                switch (kind) {
                    case SUPERBLOCK -> superblock(block);
                    case NODE -> node(block, location);
                    case BITMAP -> bitmap(block);
                    case INDEX -> index(block);
                };
        what = image.name + ": " + kind + " at " + location + ": " + how;
        if (image.trees.get(location) == ForgeryImage.Tree.MAPPINGS) {
            meetAllThatItPointsAt(block);
        }
        ForgedMetadata.seal(block, location, kind.salt);
        byte[] bytes = new byte[ForgedMetadata.BLOCK_BYTES];
        block.get(0, bytes);
        disk.writeNow(location * ForgedMetadata.BLOCK_BYTES, bytes);
    }

    /** Another shape or more entries make other pointers of what is there. */
    private void meetAllThatItPointsAt(ByteBuffer node) {
        int entries = Math.clamp(node.getInt(16), 0, 252);
        for (int i = 0; i < entries; i++) {
            int at = ForgedMetadata.valueOffset(node, i);
            if (at < 0 || at > ForgedMetadata.BLOCK_BYTES - 8) {
                return;
            }
            long value = node.getLong(at);
            met.addAll(image.ownersOfData(value >>> 24));
            met.addAll(image.nodeOwners.getOrDefault(value, Set.of()));
        }
    }

    private String superblock(ByteBuffer block) {
        int[] longs = {48, 56, 64, 72, 80, 88, 192, 200, 208, 216, 320, 328, 344};
        int[] ints = {4, 40, 44, 336, 340, 352, 356, 360};
        if (random.nextInt(3) == 0) {
            int at = ints[random.nextInt(ints.length)];
            int value = (int) number(block.getInt(at));
            block.putInt(at, value);
            return "int " + at + " = " + value;
        }
        int at = longs[random.nextInt(longs.length)];
        long value = random.nextBoolean() ? number(block.getLong(at)) : location();
        block.putLong(at, value);
        return "long " + at + " = " + value;
    }

    private String node(ByteBuffer block, long location) {
        int entries = block.getInt(16);
        int index = entries == 0 ? 0 : random.nextInt(entries);
        int kind = random.nextInt(10);
        if (kind == 0) {
            block.putInt(16, (int) number(entries));
            return "entries " + entries + " -> " + block.getInt(16);
        }
        if (kind == 1) {
            int field = random.nextInt(3);
            int at = field == 0 ? 4 : 16 + 4 * field;
            block.putInt(at, field == 0 ? 3 - block.getInt(4) : (int) number(block.getInt(at)));
            return "shape at " + at + " = " + block.getInt(at);
        }
        if (kind < 5) {
            int at = ForgedMetadata.keyOffset(index);
            long before = block.getLong(at);
            block.putLong(at, number(before));
            return "key " + index + ": " + before + " -> " + block.getLong(at);
        }
        return value(block, location, index);
    }

    private String value(ByteBuffer block, long location, int index) {
        int at = ForgedMetadata.valueOffset(block, index);
        ForgeryImage.Tree tree = image.trees.get(location);
        boolean leaf = block.getInt(4) == 2;
        if (!leaf || tree == ForgeryImage.Tree.UPPER) {
            block.putLong(at, random.nextInt(6) == 0 ? location : location());
            return "child " + index + " = " + block.getLong(at);
        }
        if (tree == ForgeryImage.Tree.MAPPINGS) {
            return mapping(block, at);
        }
        if (tree == ForgeryImage.Tree.COUNTS) {
            block.putInt(at, (int) number(block.getInt(at)));
            return "count " + index + " = " + block.getInt(at);
        }
        int word = 4 * random.nextInt(block.getInt(24) / 4);
        if (random.nextBoolean()) {
            block.putInt(at + word, (int) number(block.getInt(at + word)));
            return "value " + index + " at " + word + " = " + block.getInt(at + word);
        }
        word &= ~7;
        block.putLong(at + word, number(block.getLong(at + word)));
        return "value " + index + " at " + word + " = " + block.getLong(at + word);
    }

    private String mapping(ByteBuffer block, int at) {
        long packed = block.getLong(at);
        long dataBlock = packed >>> 24;
        long time = packed & 0xFFFFFF;
        if (random.nextInt(3) == 0) {
            time = number(time) & 0xFFFFFF;
        } else {
            dataBlock = switch (random.nextInt(4)) {
                case 0 -> image.dataBlocks + random.nextInt(3);
                case 1 -> (1L << 40) - 1;
                default -> random.nextLong(image.dataBlocks);
            };
            met.addAll(image.ownersOfData(dataBlock));
        }
        block.putLong(at, dataBlock << 24 | time);
        return "mapping " + (packed >>> 24) + "@" + (packed & 0xFFFFFF) + " -> " + dataBlock + "@" + time;
    }

    private String bitmap(ByteBuffer block) {
        int at = 16 + (random.nextBoolean() ? random.nextInt(64) : random.nextInt(4080));
        byte before = block.get(at);
        block.put(at, (byte) (before ^ 1 << random.nextInt(8)));
        return "byte " + at + ": " + before + " -> " + block.get(at);
    }

    private String index(ByteBuffer block) {
        int at = 16 + 8 * random.nextInt(2);
        block.putLong(at, at == 16 ? location() : number(block.getLong(at)));
        return "entry at " + at + " = " + block.getLong(at);
    }

    /** A metadata block: of somebody's, free, or none at all. */
    private long location() {
        long location =
                switch (random.nextInt(5)) {
                    case 0 -> random.nextLong(image.metadataBlocks);
                    case 1 -> random.nextBoolean() ? 0 : -1;
                    case 2 -> image.metadataBlocks + random.nextInt(2);
                    default -> image.inUse().get(random.nextInt(image.kinds.size()));
                };
        Set<Integer> owners = image.nodeOwners.get(location);
        if (owners != null) {
            met.addAll(owners);
        } else if (image.kinds.containsKey(location)) {
            met.add(ALL);
        }
        return location;
    }

    private long number(long before) {
        return switch (random.nextInt(9)) {
            case 0 -> before + 1;
            case 1 -> before - 1;
            case 2 -> 0;
            case 3 -> 1L << random.nextInt(64);
            case 4 -> -1 - random.nextInt(3);
            case 5 -> Long.MAX_VALUE;
            case 6 -> before + random.nextInt(300);
            case 7 -> before ^ 1L << random.nextInt(24);
            default -> random.nextLong();
        };
    }
}
