package dev.gossamer.pdata.check;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.block.BlockManager;
import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.block.MetadataBlock;
import dev.gossamer.pdata.spacemap.BitmapLayout;
import dev.gossamer.pdata.spacemap.IndexEntry;
import dev.gossamer.pdata.spacemap.SpaceMapRoot;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;

/** Compares the counts that a space map stores with the references that were found. */
final class CountsCheck {
    private final SpaceMapName name;
    private final SpaceMapRoot root;
    private final BlockManager blocks;
    private final Findings damage;
    /** Bitmap number to index entry, filled by whoever walks the index. */
    final TreeMap<Long, IndexEntry> index = new TreeMap<>();
    /** Block to count above 2, filled by whoever walks the overflow tree. */
    final Map<Long, Long> overflow = new HashMap<>();

    private long allocated;
    private boolean allFound;

    CountsCheck(SpaceMapName name, SpaceMapRoot root, MetadataChecker checker) {
        this.name = name;
        this.root = root;
        this.blocks = checker.blocks;
        this.damage = checker.damage;
    }

    /**
     * Compares.
     *
     * @param complete whether all references were found. If not, most counts look too high, which says nothing new; one
     *     that is too low is so all the more
     */
    void compare(ReferenceTally references, boolean complete) {
        allFound = complete;
        long bitmaps = (root.blocks() + BitmapLayout.ENTRIES - 1) / BitmapLayout.ENTRIES;
        for (long number = 0; number < bitmaps; number++) {
            IndexEntry entry = index.get(number);
            if (entry == null) {
                damage.add(new Damage.UnreadableBlock(0, name + " space map: there is no bitmap " + number));
                return;
            }
            try {
                compareBitmap(number, entry, references.ofBitmap(number));
            } catch (StorageException e) {
                damage.add(new Damage.UnreadableBlock(entry.location(), e.getMessage()));
                return;
            }
        }
        for (Map.Entry<Long, Long> stray : overflow.entrySet()) {
            damage.add(new Damage.BadOverflow(name, stray.getKey(), "is in the tree, but the bitmap says less than 3"));
        }
        if (allocated != root.allocated()) {
            hint(root.allocated() + " blocks are said to be allocated, " + allocated + " are");
        }
    }

    private void compareBitmap(long number, IndexEntry entry, int[] references) throws StorageException {
        MetadataBlock bitmap = blocks.read(entry.location(), BlockValidator.BITMAP);
        int free = 0;
        int firstFree = BitmapLayout.ENTRIES;
        for (int i = 0; i < BitmapLayout.ENTRIES; i++) {
            long block = number * BitmapLayout.ENTRIES + i;
            int stored = BitmapLayout.count(bitmap, i);
            if (stored == 0) {
                firstFree = free == 0 ? i : firstFree;
                free++;
            } else if (block >= root.blocks()) {
                hint("block " + block + ", beyond the end, has a count");
                continue;
            } else {
                allocated++;
            }
            compareBlock(block, stored, references == null ? 0 : references[i]);
        }
        if (free != entry.free()) {
            hint("bitmap " + number + " is said to have " + entry.free() + " free entries, has " + free);
        }
        if (entry.noneFreeBefore() > firstFree) {
            hint("bitmap " + number + " is said to be full below " + entry.noneFreeBefore() + ", but entry " + firstFree
                    + " is free");
        }
    }

    private void compareBlock(long block, int stored, int references) {
        long counted = stored;
        if (stored == BitmapLayout.OVERFLOW) {
            Long large = overflow.remove(block);
            if (large == null || large < BitmapLayout.OVERFLOW) {
                damage.add(new Damage.BadOverflow(name, block, large == null ? "is missing" : "is only " + large));
            } else {
                counted = large;
            }
        }
        if (counted > references && allFound) {
            damage.add(new Damage.Leak(name, block, counted, references));
        } else if (counted < references) {
            damage.add(new Damage.CountTooLow(name, block, counted, references));
        }
    }

    private void hint(String reason) {
        damage.add(new Damage.WrongHint(name, -1, reason));
    }
}
