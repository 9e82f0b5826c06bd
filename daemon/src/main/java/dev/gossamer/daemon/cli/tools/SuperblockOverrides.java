package dev.gossamer.daemon.cli.tools;

import dev.gossamer.thin.offline.Compat;
import dev.gossamer.thin.offline.MetadataSource;
import dev.gossamer.thin.offline.PoolSink;
import dev.gossamer.thin.offline.RepairSettings;
import picocli.CommandLine.Option;

/** Options that say what a superblock does not, or says wrong. */
final class SuperblockOverrides {
    @Option(names = "--transaction-id", paramLabel = "N", description = "The pool's transaction id, if that is higher.")
    private Long transactionId;

    @Option(names = "--data-block-size", paramLabel = "SECTORS", description = "Size of a data block in sectors.")
    private Integer dataBlockSectors;

    @Option(names = "--nr-data-blocks", paramLabel = "N", description = "The pool's data blocks, if that is more.")
    private Long dataBlocks;

    /** Why the options cannot be; null: they can. */
    String fault() {
        if (dataBlockSectors != null && !MetadataSource.isBlockSize(dataBlockSectors)) {
            return "--data-block-size " + dataBlockSectors + ": use a multiple of 128 sectors, up to 2097152";
        }
        if ((dataBlocks != null && dataBlocks < 0) || (transactionId != null && transactionId < 0)) {
            return "--nr-data-blocks and --transaction-id cannot be negative";
        }
        return null;
    }

    /** The pool as the options say it is. Version 0.9 takes whatever is said; 1.1 and we only what is higher. */
    PoolSink.Pool apply(PoolSink.Pool pool, Compat compat) {
        boolean lowers = compat == Compat.V0_9;
        return new PoolSink.Pool(
                pool.time(),
                chosen(transactionId, pool.transactionId(), lowers),
                pool.needsCheck(),
                pool.version(),
                dataBlockSectors == null ? pool.dataBlockSectors() : dataBlockSectors,
                chosen(dataBlocks, pool.dataBlocks(), lowers));
    }

    private static long chosen(Long asked, long found, boolean lowers) {
        return asked == null || (asked < found && !lowers) ? found : asked;
    }

    RepairSettings repairSettings() {
        return new RepairSettings(dataBlockSectors, dataBlocks, transactionId);
    }
}
