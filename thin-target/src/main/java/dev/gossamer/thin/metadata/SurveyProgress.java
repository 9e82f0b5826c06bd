package dev.gossamer.thin.metadata;

import dev.gossamer.pdata.scan.BlockFeed;
import dev.gossamer.pdata.scan.WantedBlocks;
import java.nio.ByteBuffer;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/** Tells people how far a survey is, so that nobody takes it for a hang: a line every two seconds, none before. */
final class SurveyProgress {
    private static final long INTERVAL_NANOS = 2_000_000_000L;

    private final long blocks;
    private final LongSupplier clock;
    private final Consumer<String> told;
    private long looked;
    private long nextNanos;

    /**
     * @param blocks that will be looked at, about
     * @param clock nanoseconds
     * @param told each line
     */
    SurveyProgress(long blocks, LongSupplier clock, Consumer<String> told) {
        this.blocks = Math.max(1, blocks);
        this.clock = clock;
        this.told = told;
        this.nextNanos = clock.getAsLong() + INTERVAL_NANOS;
    }

    /** One more block has been looked at. */
    void looked() {
        looked++;
        long now = clock.getAsLong();
        if (now - nextNanos >= 0) {
            nextNanos = now + INTERVAL_NANOS;
            told.accept("looking through metadata that another program wrote, once: "
                    + Math.min(99, looked * 100 / blocks) + " %");
        }
    }

    /** The same feed, whose blocks are counted. */
    BlockFeed counted(BlockFeed feed) {
        return new BlockFeed() {
            @Override
            public long blocks() {
                return feed.blocks();
            }

            @Override
            public void feed(WantedBlocks wanted, Visitor visitor) {
                feed.feed(wanted, counted(visitor));
            }

            @Override
            public void feed(long location, Visitor visitor) {
                feed.feed(location, counted(visitor));
            }
        };
    }

    private BlockFeed.Visitor counted(BlockFeed.Visitor visitor) {
        return new BlockFeed.Visitor() {
            @Override
            public void block(long location, ByteBuffer bytes, int offset) {
                looked();
                visitor.block(location, bytes, offset);
            }

            @Override
            public void unreadable(long location, String reason) {
                looked();
                visitor.unreadable(location, reason);
            }
        };
    }
}
