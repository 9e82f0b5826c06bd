package dev.gossamer.daemon.attach;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * A generic netlink message (RFC 3549 and the kernel's genetlink.h): a header, a command, attributes that may be
 * nested.
 *
 * <pre>
 *   u32 length  u16 type  u16 flags  u32 sequence  u32 port     nlmsghdr
 *   u8 command  u8 version  u16 -                               genlmsghdr
 *   u16 length  u16 type  value, padded to 4 bytes              attributes
 * </pre>
 */
final class NetlinkMessage {
    static final int HEADER_BYTES = 16;
    static final int GENERIC_BYTES = 4;
    static final int TYPE_ERROR = 2;
    static final int REQUEST = 1;
    static final int ACKNOWLEDGE = 4;

    private static final int NESTED = 0x8000;
    private static final int TYPE_MASK = 0x3fff;
    private static final int LIMIT_BYTES = 16 << 10;

    private final ByteBuffer bytes = ByteBuffer.allocate(LIMIT_BYTES).order(ByteOrder.nativeOrder());

    /** A request that wants to be acknowledged. */
    NetlinkMessage(int family, int command, int version, int sequence) {
        bytes.putInt(0).putShort((short) family).putShort((short) (REQUEST | ACKNOWLEDGE));
        bytes.putInt(sequence).putInt(0);
        bytes.put((byte) command).put((byte) version).putShort((short) 0);
    }

    NetlinkMessage u32(int type, int value) {
        begin(type, Integer.BYTES);
        bytes.putInt(value);
        return this;
    }

    NetlinkMessage u64(int type, long value) {
        begin(type, Long.BYTES);
        bytes.putLong(value);
        return this;
    }

    NetlinkMessage text(int type, String value) {
        byte[] text = value.getBytes(StandardCharsets.UTF_8);
        begin(type, text.length + 1);
        bytes.put(text).put((byte) 0);
        return pad();
    }

    /** Descriptors as a list of items of one attribute each. */
    NetlinkMessage descriptors(int type, int itemType, int descriptorType, int[] descriptors) {
        int item = 2 * Integer.BYTES;
        begin(type | NESTED, descriptors.length * (Integer.BYTES + item));
        for (int descriptor : descriptors) {
            begin(itemType | NESTED, item);
            u32(descriptorType, descriptor);
        }
        return this;
    }

    private void begin(int type, int valueBytes) {
        bytes.putShort((short) (Integer.BYTES + valueBytes)).putShort((short) type);
    }

    private NetlinkMessage pad() {
        while (bytes.position() % Integer.BYTES != 0) {
            bytes.put((byte) 0);
        }
        return this;
    }

    byte[] toBytes() {
        bytes.putInt(0, bytes.position());
        return Arrays.copyOf(bytes.array(), bytes.position());
    }

    /** Of a buffer that holds attributes and nothing else: values by type, the last of each. */
    static Map<Integer, ByteBuffer> attributes(ByteBuffer in) {
        Map<Integer, ByteBuffer> found = new HashMap<>();
        while (in.remaining() >= Integer.BYTES) {
            int begin = in.position();
            int length = Short.toUnsignedInt(in.getShort());
            int type = in.getShort() & TYPE_MASK;
            if (length < Integer.BYTES || length > in.limit() - begin) {
                break;
            }
            found.put(
                    type,
                    in.slice(begin + Integer.BYTES, length - Integer.BYTES).order(ByteOrder.nativeOrder()));
            in.position(Math.min(in.limit(), begin + ((length + 3) & ~3)));
        }
        return found;
    }
}
