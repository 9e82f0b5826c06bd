package dev.gossamer.thin.offline;

import java.io.IOException;
import java.io.OutputStream;

/** The XML of thin_dump, byte for byte (OT-10). */
public final class XmlSink extends TextSink {
    private static final byte[] SINGLE = text("    <single_mapping origin_block=\"");
    private static final byte[] RANGE = text("    <range_mapping origin_begin=\"");
    private static final byte[] DATA_BLOCK = text("\" data_block=\"");
    private static final byte[] DATA_BEGIN = text("\" data_begin=\"");
    private static final byte[] LENGTH = text("\" length=\"");
    private static final byte[] TIME = text("\" time=\"");
    private static final byte[] END = text("\"/>\n");

    private final Compat compat;

    public XmlSink(OutputStream out, Compat compat) {
        super(out);
        this.compat = compat;
    }

    @Override
    public void beginPool(Pool pool) throws IOException {
        put("<superblock uuid=\"\" time=\"");
        put(pool.time());
        put("\" transaction=\"");
        put(pool.transactionId());
        if (compat == Compat.V0_9 || pool.needsCheck()) {
            put("\" flags=\"");
            put(pool.needsCheck() ? 1 : 0);
        }
        put("\" version=\"");
        put(pool.version());
        put("\" data_block_size=\"");
        put(pool.dataBlockSectors());
        put("\" nr_data_blocks=\"");
        put(pool.dataBlocks());
        put("\">\n");
    }

    @Override
    public void beginShared(long name) throws IOException {
        put("  <def name=\"");
        put(name);
        put("\">\n");
    }

    @Override
    public void endShared() throws IOException {
        put("  </def>\n");
    }

    @Override
    public void beginDevice(Device device) throws IOException {
        put("  <device dev_id=\"");
        put(device.id());
        put("\" mapped_blocks=\"");
        put(device.mappedBlocks());
        put("\" transaction=\"");
        put(device.transactionId());
        put("\" creation_time=\"");
        put(device.creationTime());
        put("\" snap_time=\"");
        put(device.snapshottedTime());
        put("\">\n");
    }

    @Override
    public void endDevice() throws IOException {
        put("  </device>\n");
    }

    @Override
    public void mapping(long virtualBlock, long dataBlock, long length, long time) throws IOException {
        if (length == 1) {
            put(SINGLE);
            put(virtualBlock);
            put(DATA_BLOCK);
            put(dataBlock);
        } else {
            put(RANGE);
            put(virtualBlock);
            put(DATA_BEGIN);
            put(dataBlock);
            put(LENGTH);
            put(length);
        }
        put(TIME);
        put(time);
        put(END);
    }

    @Override
    public void shared(long name) throws IOException {
        put("    <ref name=\"");
        put(name);
        put(END);
    }

    @Override
    public void endPool() throws IOException {
        put("</superblock>");
        if (compat != Compat.V1) {
            put("\n");
        }
        flush();
    }
}
