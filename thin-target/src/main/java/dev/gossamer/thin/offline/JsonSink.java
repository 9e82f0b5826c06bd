package dev.gossamer.thin.offline;

import java.io.IOException;
import java.io.OutputStream;

/** The whole pool as one JSON object; mappings are arrays of virtual block, data block, length and time. */
public final class JsonSink extends TextSink {
    private boolean firstDevice = true;
    private boolean firstMapping;

    public JsonSink(OutputStream out) {
        super(out);
    }

    @Override
    public void beginPool(Pool pool) throws IOException {
        put("{\"time\":");
        put(pool.time());
        put(",\"transactionId\":");
        put(pool.transactionId());
        put(",\"needsCheck\":");
        put(Boolean.toString(pool.needsCheck()));
        put(",\"dataBlockSectors\":");
        put(pool.dataBlockSectors());
        put(",\"dataBlocks\":");
        put(pool.dataBlocks());
        put(",\"devices\":[");
    }

    @Override
    public void beginShared(long name) {
        throw new IllegalArgumentException("mappings belong to a device each");
    }

    @Override
    public void endShared() {}

    @Override
    public void beginDevice(Device device) throws IOException {
        put(firstDevice ? "\n{\"id\":" : ",\n{\"id\":");
        firstDevice = false;
        put(device.id());
        put(",\"mappedBlocks\":");
        put(device.mappedBlocks());
        put(",\"transactionId\":");
        put(device.transactionId());
        put(",\"creationTime\":");
        put(device.creationTime());
        put(",\"snapshottedTime\":");
        put(device.snapshottedTime());
        put(",\"mappings\":[");
        firstMapping = true;
    }

    @Override
    public void endDevice() throws IOException {
        put("]}");
    }

    @Override
    public void mapping(long virtualBlock, long dataBlock, long length, long time) throws IOException {
        put(firstMapping ? "[" : ",[");
        firstMapping = false;
        put(virtualBlock);
        put(",");
        put(dataBlock);
        put(",");
        put(length);
        put(",");
        put(time);
        put("]");
    }

    @Override
    public void shared(long name) {
        throw new IllegalArgumentException("mappings belong to a device each");
    }

    @Override
    public void endPool() throws IOException {
        put("]}\n");
        flush();
    }
}
