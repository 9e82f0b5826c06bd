package dev.gossamer.thin.offline;

import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.OutOfMetadataSpace;
import dev.gossamer.thin.metadata.MetadataFix;

/** Changes metadata in place, where that cannot lose anything (OT-24, OT-37). */
public final class OfflineFix {
    /** What was done. */
    public record Done(long counts) {}

    private OfflineFix() {}

    /**
     * Sets right counts, hints, numbers of mappings and devices that are in one tree alone, in one transaction.
     *
     * @param report a check of the whole device, just made
     * @param clearNeedsCheck whether the flag goes with it
     * @throws StorageException before anything is written, if there is too little free metadata
     */
    public static Done fix(BlockingIo device, OfflineCheck.Report report, boolean clearNeedsCheck)
            throws StorageException {
        try (MetadataFix fix = new MetadataFix(device)) {
            fix.counts(report.damage());
            fix.mappedBlocks(report.result().devices());
            fix.records(report.damage(), report.result().devices());
            fix.commit(clearNeedsCheck);
            return new Done(fix.changes());
        } catch (MetadataCorrupt e) {
            throw new MetadataCorrupt(device.device() + " cannot be set right in place, nothing was changed: "
                    + e.getMessage() + "; repair it to another device: gossamer repair -i " + device.device()
                    + " -o OTHER");
        } catch (OutOfMetadataSpace e) {
            throw new StorageException(
                    Errno.ENOSPC,
                    device.device() + " has too few free metadata blocks for that, nothing was changed; "
                            + "repair it to a larger device: gossamer repair -i " + device.device() + " -o OTHER",
                    e);
        }
    }

    /** Clears the flag and changes nothing else. */
    public static void clearNeedsCheck(BlockingIo device) throws StorageException {
        SuperblockEdit.needsCheck(device, false);
    }
}
