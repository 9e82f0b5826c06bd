package dev.gossamer.pdata.btree;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.block.MetadataBlock;
import dev.gossamer.pdata.check.TestPool;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class NodeLayoutTest {
    private TestPool pool;
    private MetadataBlock node;

    @BeforeEach
    void makeALeafOfThreeEntries() throws Exception {
        pool = TestPool.format(new SimulatedDisk(1 << 20), 100, 64);
        node = pool.tx.newBlock(BlockValidator.BTREE_NODE);
        NodeLayout.format(node, NodeLayout.LEAF, 8);
        for (int i = 0; i < 3; i++) {
            NodeLayout.insertKey(node, i, 10L * i);
            NodeLayout.setChild(node, i, 100L + i);
        }
    }

    @AfterEach
    void close() {
        pool.close();
    }

    @Test
    void nodesHoldAsManyEntriesAsTheFormatSays() {
        assertEquals(252, NodeLayout.maxEntriesFor(8));
        assertEquals(126, NodeLayout.maxEntriesFor(24));
        assertEquals(168, NodeLayout.maxEntriesFor(16));
        assertEquals(336, NodeLayout.maxEntriesFor(4));
    }

    @Test
    void fieldsLieWhereTheFormatSays() {
        assertEquals(2, node.getInt(4));
        assertEquals(3, node.getInt(16));
        assertEquals(252, node.getInt(20));
        assertEquals(8, node.getInt(24));
        assertEquals(20, node.getLong(32 + 8 * 2));
        assertEquals(102, node.getLong(32 + 8 * 252 + 8 * 2));
    }

    @Test
    void searchFindsTheLastKeyThatIsNotGreaterInUnsignedOrder() {
        NodeLayout.insertKey(node, 3, -1);
        assertEquals(0, NodeLayout.indexOf(node, 9));
        assertEquals(1, NodeLayout.indexOf(node, 10));
        assertEquals(2, NodeLayout.indexOf(node, -2));
        assertEquals(3, NodeLayout.indexOf(node, -1));
        NodeLayout.removeEntries(node, 0, 1);
        assertEquals(-1, NodeLayout.indexOf(node, 9));
    }

    @Test
    void aGoodNodePassesTheCheck() throws Exception {
        NodeLayout.check(node);
    }

    @Test
    void nodesOfImpossibleShapeAreRefused() {
        refuses(4, 0, 2, "flags 0");
        refuses(4, 3, 2, "flags 3");
        refuses(16, 253, 3, "has 253 entries");
        refuses(16, -1, 3, "entries");
        refuses(20, 255, 252, "does not fit");
        refuses(20, 0, 252, "does not fit");
        refuses(24, 0, 8, "does not fit");
        refuses(24, -8, 8, "does not fit");
        refuses(24, Integer.MAX_VALUE, 8, "does not fit");
        refuses(32 + 8, 0, 10, "key 1 does not ascend");
    }

    @Test
    void anInternalNodeNeedsChildren() {
        node.putInt(4, NodeLayout.INTERNAL);
        refuses(16, 0, 3, "internal with 0 children");
        refuses(24, 4, 8, "internal");
    }

    private void refuses(int offset, int wrong, int right, String text) {
        node.putInt(offset, wrong);
        MetadataCorrupt e = assertThrows(MetadataCorrupt.class, () -> NodeLayout.check(node));
        assertTrue(e.getMessage().contains(text), e.getMessage());
        assertTrue(e.getMessage().contains("metadata block " + node.location()), e.getMessage());
        node.putInt(offset, right);
    }
}
