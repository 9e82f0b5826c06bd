package dev.gossamer.thin.offline;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.sim.PowerSupply;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.pdata.scan.RegionReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** A power cut at every write of a shrink, on the data and on the new metadata: the volumes are all there. */
final class OfflineShrinkTest {
    private static final int BLOCK_BYTES = 128 * 512;
    private static final int DATA_BLOCKS = 40;
    private static final int SHRUNK = 16;
    private static final String XML =
            """
            <superblock uuid="" time="1" transaction="5" data_block_size="128" nr_data_blocks="40">
            <def name="1">
            <single_mapping origin_block="0" data_block="1" time="0"/>
            <range_mapping origin_begin="4" data_begin="20" length="3" time="0"/>
            </def>
            <device dev_id="1" mapped_blocks="5" transaction="0" creation_time="0" snap_time="1">
            <ref name="1"/>
            <single_mapping origin_block="9" data_block="39" time="1"/>
            </device>
            <device dev_id="2" mapped_blocks="6" transaction="1" creation_time="1" snap_time="1">
            <ref name="1"/>
            <range_mapping origin_begin="100" data_begin="30" length="2" time="1"/>
            </device>
            </superblock>
            """;

    private final SimulatedDisk metadata = new SimulatedDisk(1 << 20);
    private final SimulatedDisk data = new SimulatedDisk((long) DATA_BLOCKS * BLOCK_BYTES);

    private void make() throws IOException {
        try (OfflineDisk target = new OfflineDisk(metadata)) {
            new OutputDevice(target.io, warning -> {})
                    .write(sink -> new XmlPool(new ByteArrayInputStream(XML.getBytes(StandardCharsets.US_ASCII)), sink)
                            .read());
        }
        for (int block = 0; block < DATA_BLOCKS; block++) {
            byte[] content = new byte[BLOCK_BYTES];
            java.util.Arrays.fill(content, (byte) (block + 1));
            data.writeNow((long) block * BLOCK_BYTES, content);
        }
    }

    /** What each device shows at each block, by a byte that stands for the content. */
    private static Map<String, Integer> volumes(SimulatedDisk metadata, SimulatedDisk data) throws IOException {
        Map<String, Integer> shown = new TreeMap<>();
        try (OfflineDisk pool = new OfflineDisk(metadata);
                RegionReader feed = pool.feed()) {
            PoolSuperblock live = new MetadataSource("pool", feed).superblock();
            PoolSink reader = new PassingSink(new XmlSink(new ByteArrayOutputStream(), Compat.NONE)) {
                private long device;

                @Override
                public void beginDevice(Device next) throws IOException {
                    device = next.id();
                    super.beginDevice(next);
                }

                @Override
                public void mapping(long virtualBlock, long dataBlock, long length, long time) {
                    for (long i = 0; i < length; i++) {
                        byte[] block = data.readNow((dataBlock + i) * BLOCK_BYTES, BLOCK_BYTES);
                        int content = block[0];
                        for (byte one : block) {
                            content = one == content ? content : -1;
                        }
                        shown.put(device + ":" + (virtualBlock + i), content);
                    }
                }
            };
            PoolSink.Pool any = new PoolSink.Pool(0, 0, false, 2, 128, DATA_BLOCKS);
            new PoolDump(feed, reader, new PoolDump.Choice(Set.of(), true, false, null))
                    .dump(any, live.mappingRoot(), live.detailsRoot());
        }
        return shown;
    }

    private static boolean shrink(SimulatedDisk metadata, SimulatedDisk data, SimulatedDisk output) {
        try (OfflineDisk source = new OfflineDisk(metadata);
                RegionReader feed = source.feed();
                OfflineDisk blocks = new OfflineDisk(data);
                OfflineDisk target = new OfflineDisk(output)) {
            MetadataSource pool = new MetadataSource("pool", feed);
            PoolSuperblock live = pool.superblock();
            java.util.List<Long> roots = new java.util.ArrayList<>();
            PoolDump.devices(feed, live.mappingRoot(), live.detailsRoot(), null)
                    .forEach(tree -> roots.add(tree.root()));
            OfflineShrink shrink = new OfflineShrink(ShrinkPlan.of(DataBlockUse.of(feed, live, roots), SHRUNK), live);
            shrink.copy(blocks.io);
            new OutputDevice(target.io, warning -> {})
                    .write(sink -> shrink.tell(
                            pool,
                            new PoolSink.Pool(
                                    1, 5, false, 2, 128, live.dataMap().blocks()),
                            sink));
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    @Test
    void aPowerCutLeavesThePoolAsItWas() throws Exception {
        make();
        Map<String, Integer> volumes = volumes(metadata, data);
        assertEquals(11, volumes.size());
        byte[] before = metadata.readNow(0, 1 << 20);
        boolean finished = false;
        int without = 0;
        for (int cut = 0; !finished; cut++) {
            for (int crash = 0; crash < 4; crash++) {
                PowerSupply power = new PowerSupply();
                SimulatedDisk cutData = data.copy(power);
                SimulatedDisk output = new SimulatedDisk(1 << 20).copy(power);
                power.cutAfter(cut);
                finished = shrink(metadata, cutData, output);
                power.restore();
                cutData.crash(Seeds.splittable(cut * 10L + crash));
                output.crash(Seeds.splittable(cut * 10L + crash + 5));

                assertEquals(volumes, volumes(metadata, cutData), "the pool, cut after " + cut);
                try (OfflineDisk target = new OfflineDisk(output)) {
                    if (target.hasPool()) {
                        assertTrue(target.check().damage().isEmpty(), "cut after " + cut);
                        assertEquals(volumes, volumes(output, cutData), "the smaller pool, cut after " + cut);
                    } else {
                        assertFalse(finished, "the superblock is not stable at the end");
                        without++;
                    }
                }
            }
        }
        assertTrue(without > 10, without + " cuts left no smaller pool");
        assertArrayEquals(before, metadata.readNow(0, 1 << 20), "the old metadata were written to");
    }
}
