package dev.gossamer.thin.offline;

import java.io.IOException;
import java.io.OutputStream;

/** Runs of mappings as comma-separated lines, in bytes, for scripts that copy data (OT-60). */
public final class CsvSink extends TextSink {
    private static final int SECTOR_BYTES = 512;

    private long blockBytes;
    private long device;

    public CsvSink(OutputStream out) {
        super(out);
    }

    @Override
    public void beginPool(Pool pool) throws IOException {
        blockBytes = pool.dataBlockSectors() * SECTOR_BYTES;
        put("device,virtual,data,length,time\n");
    }

    @Override
    public void beginShared(long name) {
        throw new IllegalArgumentException("lines belong to a device each");
    }

    @Override
    public void endShared() {}

    @Override
    public void beginDevice(Device next) {
        device = next.id();
    }

    @Override
    public void endDevice() {}

    @Override
    public void mapping(long virtualBlock, long dataBlock, long length, long time) throws IOException {
        put(device);
        put(",");
        put(virtualBlock * blockBytes);
        put(",");
        put(dataBlock * blockBytes);
        put(",");
        put(length * blockBytes);
        put(",");
        put(time);
        put("\n");
    }

    @Override
    public void shared(long name) {
        throw new IllegalArgumentException("lines belong to a device each");
    }

    @Override
    public void endPool() throws IOException {
        flush();
    }
}
