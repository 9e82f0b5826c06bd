package dev.gossamer.thin.catalog;

import dev.gossamer.io.rate.IoRates;
import dev.gossamer.thin.VolumeLimits;
import dev.gossamer.thin.metadata.DeviceDetails;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.UUID;
import java.util.zip.CRC32C;

/** Slots as anybody can write them who can write into a device, and as earlier versions wrote them. */
public final class OldCatalog {
    private static final long OLD_MAGIC = 0x314C_4F56_5353_4F47L;
    private static final int CHECKSUM = 16;
    private static final int TRANSACTION_ID = 32;
    private static final int CREATION_TIME = 40;
    private static final int IN_FORCE_FROM = 228;

    private OldCatalog() {}

    /** Writes a slot of a device that was created at time 0 into what begins at a catalog's first byte. */
    public static void putSlot(byte[] catalog, int id, boolean itself, long sizeBytes, String name) {
        putSlot(catalog, id * CatalogSlot.SLOT_BYTES, id, itself, sizeBytes, name);
    }

    /** As that, at any place of a block. */
    public static void putSlot(byte[] block, int offset, int id, boolean itself, long sizeBytes, String name) {
        new CatalogSlot(
                        1,
                        false,
                        itself,
                        false,
                        id,
                        -1,
                        0,
                        0,
                        sizeBytes,
                        0,
                        new UUID(1, id),
                        name,
                        0,
                        null,
                        VolumeLimits.NONE,
                        IoRates.NONE)
                .encode(ByteBuffer.wrap(block), offset);
    }

    /** Makes all halves in a block look as if a version had written them that knew no generations and no marks. */
    public static void makeOld(byte[] block, int catalogId) {
        for (int at = 0; at < block.length; at += CatalogSlot.HALF_BYTES) {
            ByteBuffer half =
                    ByteBuffer.wrap(block, at, CatalogSlot.HALF_BYTES).slice().order(ByteOrder.LITTLE_ENDIAN);
            if (half.getLong(0) == 0) {
                continue;
            }
            half.putLong(0, OLD_MAGIC);
            half.putInt(IN_FORCE_FROM, 0);
            if (half.getInt(24) == catalogId) {
                half.putLong(TRANSACTION_ID, 0);
                half.putInt(CREATION_TIME, 0);
            }
            CRC32C crc = new CRC32C();
            half.putInt(CHECKSUM, 0);
            crc.update(half.slice(0, CatalogSlot.HALF_BYTES));
            half.putInt(CHECKSUM, (int) crc.getValue());
        }
    }

    /** Whether a record is marked as a catalog's. */
    public static boolean isMarked(DeviceDetails details) {
        return details.isCatalog();
    }
}
