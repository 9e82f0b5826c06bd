package dev.gossamer.pdata.block;

/** Finds a resident block by location. Chained through the blocks themselves, so that a look-up makes no garbage. */
final class BlockTable {
    private MetadataBlock[] buckets = new MetadataBlock[1024];
    private int size;

    MetadataBlock get(long location) {
        MetadataBlock block = buckets[bucket(location)];
        while (block != null && block.location() != location) {
            block = block.nextInBucket;
        }
        return block;
    }

    /** Adds a block whose location is not in the table. */
    void add(MetadataBlock block) {
        if (size == buckets.length) {
            grow();
        }
        link(block);
        size++;
    }

    void remove(MetadataBlock block) {
        int bucket = bucket(block.location());
        if (buckets[bucket] == block) {
            buckets[bucket] = block.nextInBucket;
        } else {
            MetadataBlock before = buckets[bucket];
            while (before.nextInBucket != block) {
                before = before.nextInBucket;
            }
            before.nextInBucket = block.nextInBucket;
        }
        block.nextInBucket = null;
        size--;
    }

    private void grow() {
        MetadataBlock[] old = buckets;
        buckets = new MetadataBlock[old.length * 2];
        for (MetadataBlock first : old) {
            MetadataBlock block = first;
            while (block != null) {
                MetadataBlock next = block.nextInBucket;
                link(block);
                block = next;
            }
        }
    }

    private void link(MetadataBlock block) {
        int bucket = bucket(block.location());
        block.nextInBucket = buckets[bucket];
        buckets[bucket] = block;
    }

    private int bucket(long location) {
        // Neighbouring blocks are often used together: spread by the golden ratio.
        return (int) ((location * 0x9E3779B97F4A7C15L) >>> 32) & (buckets.length - 1);
    }
}
