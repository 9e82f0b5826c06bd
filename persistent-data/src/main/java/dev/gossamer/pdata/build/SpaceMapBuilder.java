package dev.gossamer.pdata.build;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.scan.PackedCounts;
import dev.gossamer.pdata.scan.TreeKind;
import dev.gossamer.pdata.spacemap.BitmapLayout;
import dev.gossamer.pdata.spacemap.SpaceMapRoot;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** Writes counts as space maps (on-disk format, section 6), those of the metadata last: they count themselves, too. */
public final class SpaceMapBuilder {
    private static final int HEADER_BYTES = 16;
    private static final int WORDS = BitmapLayout.ENTRIES / PackedCounts.PER_WORD;
    private static final int INDEX_ENTRY_BYTES = 16;
    private static final long LOW_BITS = 0x5555_5555_5555_5555L;

    private static final TreeBuilder.LeafUse PLAIN = new TreeBuilder.LeafUse() {
        @Override
        public void own(long[] words, int count) {}

        @Override
        public void shared(long location) {}
    };

    private final LinearWriter out;
    private final PackedCounts metadata;

    /** @param metadata references to metadata blocks, all of them but those of the space maps */
    public SpaceMapBuilder(LinearWriter out, PackedCounts metadata) {
        this.out = out;
        this.metadata = metadata;
    }

    /** Writes the space map of the data device. */
    public SpaceMapRoot data(PackedCounts counts) throws StorageException {
        long overflowRoot = overflow(TreeKind.DATA_COUNTS, counts);
        TreeBuilder index = new TreeBuilder(out, TreeKind.DATA_BITMAPS, metadata, PLAIN);
        long bitmaps = Math.ceilDiv(counts.blocks(), BitmapLayout.ENTRIES);
        long allocated = 0;
        long[] entry = new long[2];
        for (long number = 0; number < bitmaps; number++) {
            allocated += bitmap(counts, number, entry);
            metadata.increment(entry[0]);
            index.add(number, entry);
        }
        long root = index.finish();
        metadata.increment(root);
        return new SpaceMapRoot(counts.blocks(), allocated, root, overflowRoot);
    }

    /** Writes the space map of the metadata device; nothing is written behind it. */
    public SpaceMapRoot metadata() throws StorageException {
        long blocks = metadata.blocks();
        long overflowRoot = overflow(TreeKind.METADATA_COUNTS, metadata);
        int bitmaps = Math.toIntExact(Math.ceilDiv(blocks, BitmapLayout.ENTRIES));
        long index = out.next() + bitmaps;
        for (long location = out.next(); location <= index; location++) {
            metadata.increment(location);
        }
        long allocated = 0;
        List<long[]> entries = new ArrayList<>();
        for (int number = 0; number < bitmaps; number++) {
            long[] entry = new long[2];
            allocated += bitmap(metadata, number, entry);
            entries.add(entry);
        }
        int offset = out.begin();
        for (int i = 0; i < bitmaps; i++) {
            out.bytes().putLong(offset + HEADER_BYTES + INDEX_ENTRY_BYTES * i, entries.get(i)[0]);
            out.bytes().putLong(offset + HEADER_BYTES + INDEX_ENTRY_BYTES * i + Long.BYTES, entries.get(i)[1]);
        }
        out.end(BlockValidator.INDEX);
        return new SpaceMapRoot(blocks, allocated, index, overflowRoot);
    }

    private long overflow(TreeKind kind, PackedCounts counts) throws StorageException {
        TreeBuilder tree = new TreeBuilder(out, kind, metadata, PLAIN);
        for (long block : counts.large()) {
            tree.add(block, counts.count(block));
        }
        long root = tree.finish();
        metadata.increment(root);
        return root;
    }

    /** Writes a bitmap and fills in its index entry. @return how many of its blocks are in use */
    private int bitmap(PackedCounts counts, long number, long[] entry) throws StorageException {
        int offset = out.begin();
        ByteBuffer bytes = out.bytes();
        int used = 0;
        int firstFree = BitmapLayout.ENTRIES;
        for (int i = 0; i < WORDS; i++) {
            long word = counts.word(number * WORDS + i);
            bytes.putLong(offset + HEADER_BYTES + Long.BYTES * i, word);
            long usedHere = (word | word >>> 1) & LOW_BITS;
            used += Long.bitCount(usedHere);
            if (firstFree == BitmapLayout.ENTRIES && usedHere != LOW_BITS) {
                firstFree = i * PackedCounts.PER_WORD + Long.numberOfTrailingZeros(~usedHere & LOW_BITS) / 2;
            }
        }
        entry[0] = out.end(BlockValidator.BITMAP);
        entry[1] = (long) firstFree << Integer.SIZE | BitmapLayout.ENTRIES - used;
        return used;
    }
}
