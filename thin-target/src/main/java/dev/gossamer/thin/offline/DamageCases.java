package dev.gossamer.thin.offline;

import dev.gossamer.pdata.block.BlockValidator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * The corruption cases that check and repair are judged by (offline-tools.md, section 7), by their numbers and names:
 * each damages sound metadata in one place, with checksums that are right but where they are the damage.
 */
public final class DamageCases {
    private static final int MAPPED_OF_FIRST = 32 + 8 * 126;
    private static final int FIRST_OVERFLOW = 32 + 8 * 336;
    private static final int FIRST_INDEX_FREE = 16 + 8;
    private static final BlockValidator NODE = BlockValidator.BTREE_NODE;

    private static final Map<String, Consumer<MetadataImage>> CASES = new LinkedHashMap<>();

    static {
        superblocks();
        leaves();
        trees();
        records();
        counts("14-data-count", MetadataImage.DATA_MAP);
        counts("16-metadata-count", MetadataImage.METADATA_MAP);
        spaceMaps();
    }

    private DamageCases() {}

    /** All there are. */
    public static List<String> names() {
        return List.copyOf(CASES.keySet());
    }

    /** The names that a user can mean: one, if it is a whole name or says enough of one. */
    public static List<String> named(String text) {
        if (CASES.containsKey(text)) {
            return List.of(text);
        }
        return CASES.keySet().stream()
                .filter(name -> name.startsWith(text.matches("\\d+") ? text + "-" : text))
                .toList();
    }

    /**
     * Damages metadata.
     *
     * @param name one of {@link #names}
     * @throws java.util.NoSuchElementException if they have nothing that can be damaged so
     */
    public static void apply(String name, MetadataImage image) {
        CASES.get(name).accept(image);
    }

    private static void superblocks() {
        CASES.put("1-superblock-checksum", image -> image.flip(0, 100));
        CASES.put("2-magic", image -> superblock(image, 32, 1));
        CASES.put("2-incompatible-features", image -> superblock(image, 360, 1));
        CASES.put("2-block-size", image -> superblock(image, 336, 100));
        CASES.put("3-cut-to-40-blocks", image -> image.cut(40));
        CASES.put("21-held-root-is-junk", image -> image.flip(image.held(), 64));
        CASES.put("21-held-root-beyond", image -> {
            image.held();
            superblock(image, 56, 1 << 20);
        });
        CASES.put("22-time-too-low", image -> superblock(image, 44, 1));
        CASES.put("23-more-metadata-blocks-than-there-are", image -> {
            image.putWord(0, MetadataImage.METADATA_MAP, image.blocks() + 1L);
            image.seal(0, BlockValidator.SUPERBLOCK);
        });
    }

    private static void superblock(MetadataImage image, int offset, int value) {
        image.putNumber(0, offset, value);
        image.seal(0, BlockValidator.SUPERBLOCK);
    }

    private static void leaves() {
        CASES.put("4-leaf-checksum", image -> image.flip(image.leafOf(2), 100));
        CASES.put("5-leafs-own-number", image -> image.sealAs(image.leafOf(2), 7));
        CASES.put(
                "6-keys-swapped",
                image -> leaf(image, 2, leaf -> {
                    long first = image.key(leaf, 3);
                    image.putWord(leaf, MetadataImage.keyAt(3), image.key(leaf, 4));
                    image.putWord(leaf, MetadataImage.keyAt(4), first);
                }));
        CASES.put(
                "6-key-repeated",
                image -> leaf(image, 2, leaf -> image.putWord(leaf, MetadataImage.keyAt(4), image.key(leaf, 3))));
        CASES.put("9-253-entries", image -> leaf(image, 2, leaf -> image.setEntries(leaf, 253)));
        CASES.put("9-value-size-4", image -> leaf(image, 2, leaf -> image.putNumber(leaf, 24, 4)));
        CASES.put("24-leaf-cut-to-10-entries", image -> leaf(image, 2, leaf -> image.setEntries(leaf, 10)));
        CASES.put("12-mapping-beyond-the-data-device", image -> mapping(image, 1L << 39));
        CASES.put("13-one-data-block-twice", image -> mapping(image, image.value(image.leafOf(2), 0) >>> 24));
    }

    private static void leaf(MetadataImage image, int owners, Consumer<Long> edit) {
        long leaf = image.leafOf(owners);
        edit.accept(leaf);
        image.seal(leaf, NODE);
    }

    private static void mapping(MetadataImage image, long dataBlock) {
        leaf(image, 1, leaf -> image.putWord(leaf, MetadataImage.valueAt(0), dataBlock << 24));
    }

    private static void trees() {
        CASES.put(
                "7-parent-key-above-the-childs-first",
                image -> parent(
                        image,
                        parent -> image.putWord(
                                parent, MetadataImage.keyAt(1), image.key(image.value(parent, 1), 0) + 1)));
        CASES.put("8-leafs-last-key-is-the-next-parent-key", image -> {
            long parent = image.parent();
            long child = image.value(parent, 0);
            image.putWord(child, MetadataImage.keyAt(image.entries(child) - 1), image.key(parent, 1));
            image.seal(child, NODE);
        });
        CASES.put("10-child-beyond-the-device", image -> child(image, 1L << 40));
        CASES.put("10-child-is-its-own-parent", image -> child(image, image.parent()));
        CASES.put("10-child-is-a-bitmap", image -> child(image, image.bitmap(MetadataImage.DATA_MAP)));
        CASES.put("11-device-root-is-a-leaf-of-details", image -> {
            long root = image.word(0, MetadataImage.MAPPING_ROOT);
            image.putWord(root, MetadataImage.valueAt(0), image.word(0, MetadataImage.DETAILS_ROOT));
            image.seal(root, NODE);
        });
        CASES.put("17-mapped-blocks", image -> details(image, at -> image.putWord(at, MAPPED_OF_FIRST, 999)));
        CASES.put(
                "18-device-not-in-details", image -> details(image, at -> image.setEntries(at, image.entries(at) - 1)));
        CASES.put("18-device-not-in-mappings", image -> {
            long root = image.word(0, MetadataImage.MAPPING_ROOT);
            image.setEntries(root, image.entries(root) - 1);
            image.seal(root, NODE);
        });
        CASES.put("19-details-checksum", image -> image.flip(image.word(0, MetadataImage.DETAILS_ROOT), 100));
    }

    private static void records() {
        CASES.put(
                "22-device-transaction-too-high",
                image -> details(image, at -> image.putWord(at, MAPPED_OF_FIRST + 8, 1L << 40)));
        CASES.put(
                "22-device-time-too-high",
                image -> details(image, at -> image.putNumber(at, MAPPED_OF_FIRST + 20, 1 << 20)));
    }

    private static void parent(MetadataImage image, Consumer<Long> edit) {
        long parent = image.parent();
        edit.accept(parent);
        image.seal(parent, NODE);
    }

    private static void child(MetadataImage image, long location) {
        parent(image, parent -> image.putWord(parent, MetadataImage.valueAt(0), location));
    }

    private static void details(MetadataImage image, Consumer<Long> edit) {
        long details = image.word(0, MetadataImage.DETAILS_ROOT);
        edit.accept(details);
        image.seal(details, NODE);
    }

    private static void counts(String name, int map) {
        CASES.put(name + "-0-to-1", image -> image.setCount(map, image.blockWithCount(map, 0, 900), 1));
        CASES.put(name + "-1-to-2", image -> image.setCount(map, image.blockWithCount(map, 1, 1), 2));
        CASES.put(name + "-1-to-0", image -> image.setCount(map, image.blockWithCount(map, 1, 1), 0));
    }

    private static void spaceMaps() {
        CASES.put("19-data-bitmap-checksum", image -> image.flip(image.bitmap(MetadataImage.DATA_MAP), 100));
        CASES.put("19-metadata-bitmap-checksum", image -> image.flip(image.bitmap(MetadataImage.METADATA_MAP), 100));
        CASES.put("19-index-checksum", image -> image.flip(image.word(0, MetadataImage.METADATA_MAP + 16), 100));
        CASES.put("20-overflow-entry-missing", image -> {
            long root = image.overflow();
            image.setEntries(root, image.entries(root) - 1);
            image.seal(root, NODE);
        });
        CASES.put("20-overflow-entry-too-low", image -> {
            long root = image.overflow();
            image.putNumber(root, FIRST_OVERFLOW, 2);
            image.seal(root, NODE);
        });
        CASES.put("22-free-entries-of-a-bitmap", image -> {
            long index = image.word(0, MetadataImage.METADATA_MAP + 16);
            image.putNumber(index, FIRST_INDEX_FREE, 5);
            image.seal(index, BlockValidator.INDEX);
        });
        CASES.put("22-allocated-blocks", image -> superblock(image, MetadataImage.DATA_MAP + 8, 1));
    }
}
