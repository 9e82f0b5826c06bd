package dev.gossamer.thin.offline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.scan.BlockProof;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What a device still holds of a pool's past is not taken for the pool without a word, however much of it there is
 * (OT-31, OT-32): two of the tools that this one replaces did so.
 */
final class OlderStatesTest {
    private static final int BLOCK = 4096;
    private static final int POOL_BLOCKS = 256;
    /** More stale trees than anybody expected. */
    private static final int STALE = 700;

    private static final int MAPPING_ROOT = 320;
    private static final int DETAILS_ROOT = 328;
    private static final int FIRST_MAPPED = 32 + 8 * 126;
    private static final RepairSettings SETTINGS = new RepairSettings(128, null, null);

    private final BlockProof proof = new BlockProof();
    private ByteBuffer image;
    private String pool;

    @BeforeEach
    void makePool() throws IOException {
        SimulatedDisk disk = new SimulatedDisk(POOL_BLOCKS * BLOCK);
        try (OfflineDisk target = new OfflineDisk(disk)) {
            new OutputDevice(target.io, warning -> {}).write(new RandomPool(Seeds.splittable(5)));
            pool = target.flatXml();
        }
        byte[] bytes = Arrays.copyOf(disk.readNow(0, POOL_BLOCKS * BLOCK), (POOL_BLOCKS + STALE + 2) * BLOCK);
        image = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private int root(int at) {
        return (int) image.getLong(at);
    }

    /** Copies a node to another block and makes its number and checksum right. */
    private void copy(int from, int to) {
        image.put(to * BLOCK, image, from * BLOCK, BLOCK);
        proof.seal(image, to * BLOCK, to, BlockValidator.BTREE_NODE);
    }

    private void breakBlock(int block) {
        int at = block * BLOCK + 100;
        image.put(at, (byte) (image.get(at) ^ 1));
    }

    private List<RepairCandidate> candidates() throws IOException {
        return new RepairSearch(new MetadataSource("device", new MemoryFeed(image.array())), SETTINGS).candidates();
    }

    private String repaired(RepairCandidate candidate) throws IOException {
        RepairSearch search = new RepairSearch(new MetadataSource("device", new MemoryFeed(image.array())), SETTINGS);
        try (OfflineDisk target = new OfflineDisk(new SimulatedDisk(POOL_BLOCKS * BLOCK))) {
            new OutputDevice(target.io, warning -> {}).write(sink -> search.tell(candidate, sink));
            return target.flatXml();
        }
    }

    /** The details that fit lie behind hundreds that do not. */
    @Test
    void theNewestStateIsFoundBehindAllOthers() throws IOException {
        int details = root(DETAILS_ROOT);
        copy(details, POOL_BLOCKS + STALE + 1);
        for (int i = 0; i <= STALE; i++) {
            int stale = i == STALE ? details : POOL_BLOCKS + i;
            if (i < STALE) {
                copy(details, stale);
            }
            image.putLong(stale * BLOCK + FIRST_MAPPED, 100_000 + i);
            proof.seal(image, stale * BLOCK, stale, BlockValidator.BTREE_NODE);
        }
        breakBlock(0);
        RepairCandidate best = candidates().getFirst();
        assertEquals(POOL_BLOCKS + STALE + 1, best.detailsRoot(), "the details that fit");
        String kept = repaired(best);
        assertEquals(pool.substring(pool.indexOf('\n')), kept.substring(kept.indexOf('\n')));
    }

    /** An intact superblock that leads to nothing readable: what there is besides is older than it. */
    @Test
    void anEarlierStateIsALoss() throws IOException {
        int devices = root(MAPPING_ROOT);
        copy(devices, POOL_BLOCKS);
        breakBlock(devices);
        RepairCandidate best = candidates().getFirst();
        assertFalse(best.lost().isEmpty(), "it would be written without a question");
        assertTrue(best.lost().getFirst().reason().contains("an earlier state"), best.lost()::toString);
    }

    @Test
    void withoutASuperblockNothingSaysThatAStateIsTheNewest() throws IOException {
        breakBlock(0);
        RepairCandidate best = candidates().getFirst();
        assertTrue(best.lost().getFirst().reason().contains("newest state"), best.lost()::toString);
    }

    @Test
    void whatTheSuperblockLeadsToIsTheNewestByItself() throws IOException {
        assertEquals(List.of(), candidates().getFirst().lost());
    }
}
