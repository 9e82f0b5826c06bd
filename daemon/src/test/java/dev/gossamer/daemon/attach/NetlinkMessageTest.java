package dev.gossamer.daemon.attach;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import org.junit.jupiter.api.Test;

class NetlinkMessageTest {
    private static ByteBuffer attributesOf(NetlinkMessage message) {
        ByteBuffer bytes = ByteBuffer.wrap(message.toBytes()).order(ByteOrder.nativeOrder());
        int head = NetlinkMessage.HEADER_BYTES + NetlinkMessage.GENERIC_BYTES;
        return bytes.slice(head, bytes.limit() - head).order(ByteOrder.nativeOrder());
    }

    @Test
    void aRequestHasItsLengthAndIsPadded() {
        byte[] bytes =
                new NetlinkMessage(0x1b, 3, 1, 77).text(2, "nbd").u32(1, 5).toBytes();
        ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
        assertEquals(bytes.length, in.getInt());
        assertEquals(0x1b, in.getShort());
        assertEquals(NetlinkMessage.REQUEST | NetlinkMessage.ACKNOWLEDGE, in.getShort());
        assertEquals(77, in.getInt());
        assertEquals(0, bytes.length % 4);
        assertEquals(16 + 4 + 8 + 8, bytes.length);
    }

    @Test
    void attributesAreReadAsTheyWereWritten() {
        Map<Integer, ByteBuffer> found = NetlinkMessage.attributes(attributesOf(
                new NetlinkMessage(1, 1, 1, 1).u32(1, 9).u64(2, 1L << 40).text(10, "ab")));
        assertEquals(9, found.get(1).getInt());
        assertEquals(1L << 40, found.get(2).getLong());
        assertEquals(3, found.get(10).remaining());
    }

    @Test
    void descriptorsAreAListOfItems() {
        Map<Integer, ByteBuffer> found = NetlinkMessage.attributes(
                attributesOf(new NetlinkMessage(1, 1, 1, 1).descriptors(7, 1, 1, new int[] {33, 44})));
        ByteBuffer list = found.get(7);
        assertEquals(24, list.remaining());
        // The last of two items with one type.
        Map<Integer, ByteBuffer> items = NetlinkMessage.attributes(list);
        assertEquals(44, NetlinkMessage.attributes(items.get(1)).get(1).getInt());
    }

    @Test
    void attributesThatAreCutOffEndTheLook() {
        for (short length : new short[] {0, 3, 100, -1}) {
            ByteBuffer bytes = ByteBuffer.allocate(12).order(ByteOrder.nativeOrder());
            bytes.putShort(length).putShort((short) 1).putLong(0).flip();
            assertTrue(NetlinkMessage.attributes(bytes).isEmpty());
        }
    }
}
