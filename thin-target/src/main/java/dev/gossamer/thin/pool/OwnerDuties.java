package dev.gossamer.thin.pool;

import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.Wakeup;
import dev.gossamer.thin.PoolOwner;
import dev.gossamer.thin.catalog.Catalog;
import dev.gossamer.thin.commit.Committer;

/** The first and the last thing that a pool does whose devices others reach too. Worker's thread. */
final class OwnerDuties {
    private OwnerDuties() {}

    /**
     * Before anything is committed. The first commit of all gives the owner slot its data block, if the pool has none
     * yet.
     *
     * @param owner null: nobody else reaches the devices
     */
    static void begin(PoolOwner owner, Catalog catalog, Committer committer, BlockingIo metadata, BlockingIo data)
            throws StorageException {
        if (owner == null) {
            return;
        }
        owner.confirm(metadata, data);
        if (owner.isUnmapped()) {
            catalog.mapOwnerBlock(owner.slotOffsetBytes());
            committer.commitNow();
        }
    }

    /** Before the devices are closed. */
    @SuppressWarnings("FutureReturnValueIgnored") // It completes in any case, and says itself what went wrong.
    static void endThen(PoolOwner owner, IoLoop worker, Runnable next) {
        if (owner == null) {
            next.run();
        } else {
            owner.release().whenComplete((done, failure) -> Wakeup.call(worker, next));
        }
    }
}
