package dev.gossamer.thin.offline;

import dev.gossamer.thin.metadata.Mapping;
import java.io.IOException;

/** Joins mappings that follow each other into runs: a run grows while block, data block and time agree. */
final class RunMerger {
    private final PoolSink sink;
    private long virtualBlock;
    private long dataBlock;
    private long length;
    private int time;

    RunMerger(PoolSink sink) {
        this.sink = sink;
    }

    void add(long nextVirtual, long packed) throws IOException {
        long nextData = Mapping.dataBlock(packed);
        int nextTime = Mapping.time(packed);
        if (length > 0 && nextVirtual == virtualBlock + length && nextData == dataBlock + length && nextTime == time) {
            length++;
            return;
        }
        flush();
        virtualBlock = nextVirtual;
        dataBlock = nextData;
        time = nextTime;
        length = 1;
    }

    /** The run ends here. */
    void flush() throws IOException {
        if (length > 0) {
            sink.mapping(virtualBlock, dataBlock, length, time);
            length = 0;
        }
    }
}
