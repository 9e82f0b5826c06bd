package dev.gossamer.pdata.check;

import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.scan.BlockFeed;
import dev.gossamer.pdata.scan.BlockProof;
import dev.gossamer.pdata.scan.BlockSet;
import dev.gossamer.pdata.scan.LongMap;
import dev.gossamer.pdata.scan.PackedCounts;
import dev.gossamer.pdata.spacemap.BitmapLayout;
import dev.gossamer.pdata.spacemap.IndexEntry;
import dev.gossamer.pdata.spacemap.SpaceMapRoot;
import java.nio.ByteBuffer;

/**
 * Compares the counts that a space map stores with the references that were found, 32 at a time where they are equal.
 * Bitmaps are read by ascending location.
 */
final class SpaceMapCheck {
    private static final long LOW_BITS = 0x5555_5555_5555_5555L;
    private static final int HEADER_BYTES = 16;
    private static final int WORDS = BitmapLayout.ENTRIES / PackedCounts.PER_WORD;
    /** Set in the value of an overflow count whose bitmap asks for it. */
    private static final long MET = 1L << 40;

    private final SpaceMapName name;
    private final SpaceMapRoot root;
    private final BlockFeed feed;
    private final Findings damage;
    private final BlockProof proof = new BlockProof();
    private final long bitmaps;
    // By number of the bitmap, as far as the device can have so many.
    private final long[] locations;
    private final long[] words;
    /** Counts above 2; filled by whoever walks the tree of them. */
    final LongMap overflow = new LongMap();

    private PackedCounts references;
    private boolean complete;
    private long allocated;

    SpaceMapCheck(SpaceMapName name, SpaceMapRoot root, BlockFeed feed, Findings damage) {
        this.name = name;
        this.root = root;
        this.feed = feed;
        this.damage = damage;
        bitmaps = root.blocks() < 0 ? Long.MAX_VALUE : Math.ceilDiv(root.blocks(), BitmapLayout.ENTRIES);
        int possible = (int) Math.min(bitmaps, feed.blocks());
        locations = new long[possible];
        words = new long[possible];
    }

    /** An entry of the index. */
    void addBitmap(long number, long location, long word1) {
        if (number >= 0 && number < locations.length) {
            locations[(int) number] = location;
            words[(int) number] = word1;
        }
    }

    /** Blocks that can be counted: those for which there is a bitmap, without a gap. */
    long countable() {
        int known = 0;
        while (known < locations.length && locations[known] != 0) {
            known++;
        }
        return known == bitmaps ? root.blocks() : (long) known * BitmapLayout.ENTRIES;
    }

    /**
     * Compares.
     *
     * @param allFound whether all references were found. If not, most counts look too high, which says nothing new; one
     *     that is too low is so all the more
     */
    void compare(PackedCounts found, boolean allFound) {
        references = found;
        complete = allFound;
        if (readBitmaps()) {
            overflow.forEach((block, count) -> {
                if ((count & MET) == 0) {
                    damage.add(new Damage.BadOverflow(name, block, "is in the tree, but the bitmap says less than 3"));
                }
            });
            if (allocated != root.allocated()) {
                hint(-1, root.allocated() + " blocks are said to be allocated, " + allocated + " are");
            }
        }
    }

    private boolean readBitmaps() {
        BlockSet wanted = new BlockSet(feed.blocks());
        boolean[] sound = {true};
        for (int number = 0; number < locations.length && sound[0]; number++) {
            if (locations[number] == 0) {
                noBitmap(number);
                sound[0] = false;
            } else if (!wanted.add(locations[number])) {
                damage.add(new Damage.UnreadableBlock(
                        locations[number],
                        "metadata block " + Long.toUnsignedString(locations[number]) + " (bitmap) cannot be " + name
                                + " bitmap " + number + ": it is another one, or beyond the device"));
                sound[0] = false;
            }
        }
        if (bitmaps > locations.length) {
            noBitmap(locations.length);
            sound[0] = false;
        }
        wanted.index();
        int[] numbers = new int[wanted.size()];
        for (int number = 0; number < locations.length; number++) {
            if (wanted.contains(locations[number])) {
                numbers[wanted.rank(locations[number])] = number;
            }
        }
        feed.feed(wanted, new BlockFeed.Visitor() {
            @Override
            public void block(long location, ByteBuffer bytes, int offset) {
                String fault = proof.fault(bytes, offset, location, BlockValidator.BITMAP);
                if (fault != null) {
                    unreadable(location, fault);
                } else {
                    compareBitmap(numbers[wanted.rank(location)], bytes, offset + HEADER_BYTES);
                }
            }

            @Override
            public void unreadable(long location, String reason) {
                sound[0] = false;
                damage.add(new Damage.UnreadableBlock(location, reason));
            }
        });
        return sound[0];
    }

    private void noBitmap(long number) {
        damage.add(new Damage.UnreadableBlock(0, name + " space map: there is no bitmap " + number));
    }

    private void compareBitmap(int number, ByteBuffer bytes, int offset) {
        int free = 0;
        int firstFree = BitmapLayout.ENTRIES;
        for (int word = 0; word < WORDS; word++) {
            long stored = bytes.getLong(offset + Long.BYTES * word);
            long used = (stored | stored >>> 1) & LOW_BITS;
            int freeHere = PackedCounts.PER_WORD - Long.bitCount(used);
            if (freeHere != 0 && free == 0) {
                firstFree = word * PackedCounts.PER_WORD + Long.numberOfTrailingZeros(~used & LOW_BITS) / 2;
            }
            free += freeHere;
            allocated += PackedCounts.PER_WORD - freeHere;
            long firstBlock = (long) number * BitmapLayout.ENTRIES + (long) word * PackedCounts.PER_WORD;
            boolean whole = firstBlock + PackedCounts.PER_WORD <= root.blocks();
            if (stored != references.word(firstBlock / PackedCounts.PER_WORD)
                    || (stored & stored >>> 1 & LOW_BITS) != 0
                    || (!whole && stored != 0)) {
                compareWord(stored, firstBlock);
            }
        }
        IndexEntry entry = IndexEntry.of(locations[number], words[number]);
        if (free != entry.free()) {
            hint(number, "bitmap " + number + " is said to have " + entry.free() + " free entries, has " + free);
        }
        if (entry.noneFreeBefore() > firstFree) {
            hint(
                    number,
                    "bitmap " + number + " is said to be full below " + entry.noneFreeBefore() + ", but entry "
                            + firstFree + " is free");
        }
    }

    private void compareWord(long stored, long firstBlock) {
        for (int i = 0; i < PackedCounts.PER_WORD; i++) {
            long block = firstBlock + i;
            int pair = (int) (stored >>> (2 * i)) & 3;
            int count = ((pair & 1) << 1) | (pair >>> 1); // the lower bit is worth two
            if (block < root.blocks()) {
                compareBlock(block, count);
            } else if (count != 0) {
                allocated--;
                hint(block / BitmapLayout.ENTRIES, "block " + block + ", beyond the end, has a count");
            } else if (references.count(block) != 0) {
                damage.add(new Damage.CountTooLow(name, block, 0, references.count(block)));
            }
        }
    }

    private void compareBlock(long block, int stored) {
        long counted = stored;
        if (stored == BitmapLayout.OVERFLOW) {
            long large = overflow.get(block, -1);
            if (large < BitmapLayout.OVERFLOW) {
                damage.add(new Damage.BadOverflow(name, block, large < 0 ? "is missing" : "is only " + large));
            } else {
                counted = large;
            }
            if (large >= 0) {
                overflow.put(block, large | MET);
            }
        }
        long found = references.count(block);
        if (counted > found && complete) {
            damage.add(new Damage.Leak(name, block, counted, found));
        } else if (counted < found) {
            damage.add(new Damage.CountTooLow(name, block, counted, found));
        }
    }

    private void hint(long bitmap, String reason) {
        damage.add(new Damage.WrongHint(name, bitmap, reason));
    }
}
