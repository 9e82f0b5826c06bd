package dev.gossamer.nbd.client;

import dev.gossamer.nbd.handshake.MetaContext;
import dev.gossamer.nbd.wire.NbdFlags;
import dev.gossamer.nbd.wire.NbdInfo;
import dev.gossamer.nbd.wire.NbdText;
import io.netty.buffer.ByteBuf;
import java.nio.charset.CharacterCodingException;
import java.util.ArrayList;
import java.util.List;

/** Collects what a server tells about one export, and checks it. */
final class ExportFacts {
    /** What a server takes that does not tell; block-aligned for every disk that has ever been exported (C2). */
    private static final int UNTOLD_MINIMUM_BYTES = 512;

    private static final int UNTOLD_PREFERRED_BYTES = 4096;
    private static final int UNTOLD_PAYLOAD_BYTES = 32 << 20;

    /** Longer requests gain nothing and tie up memory, whatever a server allows. */
    private static final int PAYLOAD_LIMIT_BYTES = 64 << 20;

    private static final int MINIMUM_BLOCK_LIMIT_BYTES = 65536;

    private final List<MetaContext> contexts = new ArrayList<>();
    private String name;
    private String description = "";
    private long sizeBytes = -1;
    private int transmissionFlags;
    private int minimumBlockBytes = UNTOLD_MINIMUM_BYTES;
    private int preferredBlockBytes = UNTOLD_PREFERRED_BYTES;
    private int maximumPayloadBytes = UNTOLD_PAYLOAD_BYTES;

    ExportFacts(String name) {
        this.name = name;
    }

    /** The data of one INFO reply. Items we do not know are skipped. */
    void addInfo(ByteBuf data) throws ServerFault {
        if (data.readableBytes() < NbdInfo.TYPE_BYTES) {
            throw new ServerFault("information item without type");
        }
        int lengthBytes = data.readableBytes();
        switch (data.readUnsignedShort()) {
            case NbdInfo.EXPORT -> {
                requireLength(lengthBytes, NbdInfo.EXPORT_BYTES);
                addSize(data);
            }
            case NbdInfo.NAME -> name = readText(data);
            case NbdInfo.DESCRIPTION -> description = readText(data);
            case NbdInfo.BLOCK_SIZE -> {
                requireLength(lengthBytes, NbdInfo.BLOCK_SIZE_BYTES);
                addBlockSizes(data.readUnsignedInt(), data.readUnsignedInt(), data.readUnsignedInt());
            }
            default -> data.skipBytes(data.readableBytes());
        }
    }

    /** Size and transmission flags, as in the EXPORT item and in the answer to EXPORT_NAME. */
    void addSize(ByteBuf data) throws ServerFault {
        sizeBytes = data.readLong();
        transmissionFlags = data.readUnsignedShort();
        if (sizeBytes < 0) {
            throw new ServerFault("export size is over 2^63 bytes");
        }
        if ((transmissionFlags & NbdFlags.HAS_FLAGS) == 0) {
            throw new ServerFault("transmission flags without HAS_FLAGS");
        }
    }

    private void addBlockSizes(long minimum, long preferred, long maximum) throws ServerFault {
        boolean good = Long.bitCount(minimum) == 1
                && minimum <= MINIMUM_BLOCK_LIMIT_BYTES
                && Long.bitCount(preferred) == 1
                && preferred >= minimum
                && preferred <= Integer.MAX_VALUE
                && maximum >= minimum;
        if (!good) {
            throw new ServerFault("impossible block sizes " + minimum + ", " + preferred + ", " + maximum);
        }
        minimumBlockBytes = (int) minimum;
        preferredBlockBytes = (int) preferred;
        maximumPayloadBytes = (int) Math.min(maximum, PAYLOAD_LIMIT_BYTES);
    }

    /** The data of one META_CONTEXT reply to a selection of {@code asked}. */
    void addContext(ByteBuf data, List<String> asked) throws ServerFault {
        if (data.readableBytes() < Integer.BYTES) {
            throw new ServerFault("metadata context without id");
        }
        int id = data.readInt();
        String context = readText(data);
        if (!asked.contains(context)) {
            throw new ServerFault("metadata context that was not asked for");
        }
        for (MetaContext other : contexts) {
            if (other.id() == id || other.name().equals(context)) {
                throw new ServerFault("metadata context or its id comes twice");
            }
        }
        contexts.add(new MetaContext(id, context));
    }

    RemoteExport finish(boolean structuredReplies, boolean extendedHeaders) throws ServerFault {
        if (sizeBytes < 0) {
            throw new ServerFault("export without size");
        }
        return new RemoteExport(
                name,
                description,
                sizeBytes,
                transmissionFlags,
                minimumBlockBytes,
                preferredBlockBytes,
                maximumPayloadBytes,
                structuredReplies,
                extendedHeaders,
                contexts);
    }

    static String readText(ByteBuf data) throws ServerFault {
        return readText(data, data.readableBytes());
    }

    static String readText(ByteBuf data, int lengthBytes) throws ServerFault {
        try {
            return NbdText.read(data, lengthBytes);
        } catch (CharacterCodingException e) {
            throw new ServerFault("text is not UTF-8, contains NUL or is longer than 4096 bytes");
        }
    }

    private static void requireLength(int lengthBytes, int expectedBytes) throws ServerFault {
        if (lengthBytes != expectedBytes) {
            throw new ServerFault("information item of " + lengthBytes + " bytes instead of " + expectedBytes);
        }
    }
}
