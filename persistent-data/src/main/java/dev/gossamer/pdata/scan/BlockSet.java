package dev.gossamer.pdata.scan;

/** A set of metadata blocks: one bit each. Frozen by {@link #index}, it also tells how many members come before one. */
public final class BlockSet implements WantedBlocks {
    private static final int NONE = -1;

    private final long[] words;
    private final long blocks;
    // Members before each word; null until indexed.
    private int[] before;
    private int size;

    /** @param blocks how many there can be, at most 2^31 */
    public BlockSet(long blocks) {
        this.blocks = blocks;
        words = new long[Math.toIntExact((blocks + Long.SIZE - 1) / Long.SIZE)];
    }

    /** Adds a block. @return whether it is new; false also for one that cannot exist */
    public boolean add(long block) {
        if (block < 0 || block >= blocks) {
            return false;
        }
        int word = (int) (block / Long.SIZE);
        long bit = 1L << block;
        if ((words[word] & bit) != 0) {
            return false;
        }
        words[word] |= bit;
        size++;
        return true;
    }

    @Override
    public boolean contains(long block) {
        return block >= 0 && block < blocks && (words[(int) (block / Long.SIZE)] & 1L << block) != 0;
    }

    public int size() {
        return size;
    }

    @Override
    public long next(long from) {
        if (from >= blocks) {
            return NONE;
        }
        int word = (int) (from / Long.SIZE);
        long rest = words[word] & -1L << from;
        while (rest == 0) {
            word++;
            if (word == words.length) {
                return NONE;
            }
            rest = words[word];
        }
        return (long) word * Long.SIZE + Long.numberOfTrailingZeros(rest);
    }

    /** Nothing is added from now on. */
    public void index() {
        before = new int[words.length];
        int sum = 0;
        for (int word = 0; word < words.length; word++) {
            before[word] = sum;
            sum += Long.bitCount(words[word]);
        }
    }

    /** Position of a member among all, from 0; after {@link #index}. */
    public int rank(long block) {
        int word = (int) (block / Long.SIZE);
        return before[word] + Long.bitCount(words[word] & (1L << block) - 1);
    }
}
