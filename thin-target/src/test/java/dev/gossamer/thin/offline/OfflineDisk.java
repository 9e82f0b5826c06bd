package dev.gossamer.thin.offline;

import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.pdata.scan.RegionReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Set;

/** A simulated metadata device, with what the offline tools need to work on it. */
final class OfflineDisk implements AutoCloseable {
    final SimulatedDisk disk;
    final BlockingIo io;
    private final IoBufferPool buffers = new IoBufferPool(4 << 20);

    OfflineDisk(SimulatedDisk disk) {
        this.disk = disk;
        io = new BlockingIo(disk, new InlineLoop(null, buffers));
    }

    RegionReader feed() {
        return new RegionReader(io, MetadataSource.blocksOf(io));
    }

    OfflineCheck.Report check() throws IOException {
        try (RegionReader feed = feed()) {
            return new OfflineCheck(new MetadataSource("disk", feed)).check();
        }
    }

    /** The pool as XML, what devices share repeated for each. */
    String flatXml() throws IOException {
        return xml(false);
    }

    /** The pool as XML, what devices share told once or repeated for each. */
    String xml(boolean sharing) throws IOException {
        ByteArrayOutputStream xml = new ByteArrayOutputStream();
        try (RegionReader feed = feed()) {
            PoolSuperblock live = new MetadataSource("disk", feed).superblock();
            PoolSink.Pool pool = new PoolSink.Pool(
                    live.time(),
                    live.transactionId(),
                    live.needsCheck(),
                    live.version(),
                    live.dataBlockSectors(),
                    live.dataMap().blocks());
            new PoolDump(feed, new XmlSink(xml, Compat.NONE), new PoolDump.Choice(Set.of(), true, sharing, null))
                    .dump(pool, live.mappingRoot(), live.detailsRoot());
        }
        return xml.toString(StandardCharsets.US_ASCII);
    }

    /** Whether block 0 is an intact superblock. */
    boolean hasPool() throws IOException {
        return new OutputDevice(io, warning -> {}).hasSuperblock();
    }

    @Override
    public void close() {
        buffers.close();
    }
}
