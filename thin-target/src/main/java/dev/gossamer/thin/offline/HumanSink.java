package dev.gossamer.thin.offline;

import java.io.IOException;
import java.io.OutputStream;

/** The text of {@code thin_dump -f human_readable}, byte for byte (OT-13). */
public final class HumanSink extends TextSink {
    private static final byte[] ARROW = text(" -> ");
    private static final byte[] FIRST = text("    (");
    private static final byte[] TO = text("..");
    private static final byte[] ARROW_RANGE = text(") -> (");

    private final Compat compat;

    public HumanSink(OutputStream out, Compat compat) {
        super(out);
        this.compat = compat;
    }

    @Override
    public void beginPool(Pool pool) throws IOException {
        put("begin superblock: \"\", ");
        put(pool.time());
        put(", ");
        put(pool.transactionId());
        put(", ");
        put(pool.needsCheck() ? 1 : 0);
        put(", ");
        put(pool.version());
        put(", ");
        put(pool.dataBlockSectors());
        put(", ");
        put(pool.dataBlocks());
        put("\n");
    }

    @Override
    public void beginShared(long name) throws IOException {
        put("def: ");
        put(name);
        put("\n");
    }

    @Override
    public void endShared() throws IOException {
        put("\n");
    }

    @Override
    public void beginDevice(Device device) throws IOException {
        put("device: ");
        put(device.id());
        put("\nmapped_blocks: ");
        put(device.mappedBlocks());
        put("\ntransaction: ");
        put(device.transactionId());
        put("\ncreation time: ");
        put(device.creationTime());
        put("\nsnap time: ");
        put(device.snapshottedTime());
        put("\n");
    }

    @Override
    public void endDevice() throws IOException {
        put("\n");
    }

    @Override
    public void mapping(long virtualBlock, long dataBlock, long length, long time) throws IOException {
        if (length == 1 && compat == Compat.V0_9) {
            put("    ");
            put(virtualBlock);
            put(ARROW);
            put(dataBlock);
        } else {
            put(FIRST);
            put(virtualBlock);
            put(TO);
            put(virtualBlock + length - 1);
            put(ARROW_RANGE);
            put(dataBlock);
            put(TO);
            put(dataBlock + length - 1);
            put(")");
        }
        put(", ");
        put(time);
        put("\n");
    }

    @Override
    public void shared(long name) throws IOException {
        put("    ref: ");
        put(name);
        put("\n");
    }

    @Override
    public void endPool() throws IOException {
        put("end superblock\n");
        flush();
    }
}
