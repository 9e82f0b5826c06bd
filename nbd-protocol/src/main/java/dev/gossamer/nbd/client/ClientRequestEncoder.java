package dev.gossamer.nbd.client;

import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdCommandRules;
import dev.gossamer.nbd.wire.NbdFlags;
import dev.gossamer.nbd.wire.NbdMagic;
import dev.gossamer.nbd.wire.NbdRequest;
import io.netty.buffer.ByteBuf;

/** Appends requests to a buffer of the caller; refuses what the export did not offer instead of sending it (C2). */
public final class ClientRequestEncoder {
    private static final long COMPACT_LENGTH_LIMIT_BYTES = 0xffff_ffffL;

    private final RemoteExport export;

    public ClientRequestEncoder(RemoteExport export) {
        this.export = export;
    }

    /**
     * One request. For a WRITE exactly {@code lengthBytes} of data must follow directly behind it.
     *
     * @param command one of {@link NbdCommand} but DISC
     * @param flags command flags without PAYLOAD_LEN, which is set where it belongs
     * @throws IllegalArgumentException if the export does not offer the command or a flag, or the range is outside of
     *     it, unaligned or too long
     */
    public void request(ByteBuf out, int command, int flags, long cookie, long offsetBytes, long lengthBytes) {
        requireOffered(command, flags);
        if (command != NbdCommand.FLUSH) {
            requireRange(command, offsetBytes, lengthBytes);
        }
        boolean payload = export.extendedHeaders() && command == NbdCommand.WRITE;
        header(out, command, payload ? flags | NbdFlags.CMD_PAYLOAD_LEN : flags, cookie, offsetBytes, lengthBytes);
    }

    /**
     * A BLOCK_STATUS for some of the contexts only.
     *
     * @param contextFilter bit i stands for the i-th of the export's contexts; not 0
     * @throws IllegalArgumentException as {@link #request}
     */
    public void blockStatus(
            ByteBuf out, int flags, long cookie, long offsetBytes, long lengthBytes, long contextFilter) {
        requireOffered(NbdCommand.BLOCK_STATUS, flags | NbdFlags.CMD_PAYLOAD_LEN);
        requireRange(NbdCommand.BLOCK_STATUS, offsetBytes, lengthBytes);
        int contexts = export.contexts().size();
        require(contextFilter != 0 && (contexts == 64 || contextFilter >>> contexts == 0), "no such contexts");
        long payloadBytes = Long.BYTES + (long) Long.bitCount(contextFilter) * Integer.BYTES;
        int allFlags = flags | NbdFlags.CMD_PAYLOAD_LEN;
        header(out, NbdCommand.BLOCK_STATUS, allFlags, cookie, offsetBytes, payloadBytes);
        out.writeLong(lengthBytes);
        for (int i = 0; i < contexts; i++) {
            if ((contextFilter >> i & 1) != 0) {
                out.writeInt(export.contexts().get(i).id());
            }
        }
    }

    /** The last message: says goodbye and is not answered. */
    public void disconnect(ByteBuf out) {
        header(out, NbdCommand.DISC, 0, 0, 0, 0);
    }

    /** Room that a request needs at most, without the data of a WRITE. */
    public static int longestRequestBytes() {
        return NbdRequest.EXTENDED_HEADER_BYTES + Long.BYTES + ClientOptions.CONTEXT_LIMIT * Integer.BYTES;
    }

    private void header(ByteBuf out, int command, int flags, long cookie, long offsetBytes, long lengthBytes) {
        out.writeInt(export.extendedHeaders() ? NbdMagic.EXTENDED_REQUEST : NbdMagic.REQUEST);
        out.writeShort(flags).writeShort(command).writeLong(cookie).writeLong(offsetBytes);
        if (export.extendedHeaders()) {
            out.writeLong(lengthBytes);
        } else {
            out.writeInt((int) lengthBytes);
        }
    }

    private void requireOffered(int command, int flags) {
        int advertised = export.transmissionFlags();
        int allowed = NbdCommandRules.allowedFlags(command, export.extendedHeaders(), advertised);
        require(allowed != NbdCommandRules.NO_COMMAND, "no such command");
        require((flags & ~allowed) == 0, "flag was not offered");
        require(NbdCommandRules.isAdvertised(command, advertised), "command was not offered");
        boolean writes =
                command == NbdCommand.WRITE || command == NbdCommand.TRIM || command == NbdCommand.WRITE_ZEROES;
        require(!writes || !export.offers(NbdFlags.READ_ONLY), "export is read-only");
        require(command != NbdCommand.BLOCK_STATUS || !export.contexts().isEmpty(), "no metadata context was selected");
    }

    private void requireRange(int command, long offsetBytes, long lengthBytes) {
        long sizeBytes = export.sizeBytes();
        boolean inside = offsetBytes >= 0 && lengthBytes > 0 && lengthBytes <= sizeBytes - offsetBytes;
        require(inside, "range is empty or outside of the export");
        require(
                ((offsetBytes | lengthBytes) & (export.minimumBlockBytes() - 1L)) == 0,
                "range is not aligned to the minimum block");
        boolean carriesData = command == NbdCommand.READ || command == NbdCommand.WRITE;
        long limitBytes = carriesData ? export.maximumPayloadBytes() : COMPACT_LENGTH_LIMIT_BYTES;
        require(
                lengthBytes <= limitBytes || (!carriesData && export.extendedHeaders()),
                "range is too long for one request");
    }

    private static void require(boolean condition, String message) {
        if (!condition) {
            throw new IllegalArgumentException("NBD request: " + message);
        }
    }
}
