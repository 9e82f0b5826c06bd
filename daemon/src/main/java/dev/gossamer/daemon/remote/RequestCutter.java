package dev.gossamer.daemon.remote;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.nbd.client.RemoteExport;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdFlags;
import java.util.function.Consumer;
import java.util.function.Predicate;

/** Turns block requests into commands that the export offers, none longer than it takes (C2), nor than 1 MiB. */
final class RequestCutter {
    /** TRIM and WRITE_ZEROES carry 32-bit lengths, if not the extended ones; servers dislike longer ones anyway. */
    private static final long RANGE_LIMIT_BYTES = 1 << 30;

    /** On a slow way to the server, nothing overtakes a longer one for too long. */
    private static final long PIECE_LIMIT_BYTES = 1 << 20;

    private RequestCutter() {}

    /** The longest READ or WRITE. */
    static long payloadLimitBytes(RemoteExport export) {
        return export.maximumPayloadBytes() & -(long) export.minimumBlockBytes();
    }

    /**
     * Adds the commands for a checked request that is not empty. @return false if there is no memory for them: none is
     * left in the line then, and the request has ended
     */
    static boolean cut(
            RemoteLink link,
            BlockRequest request,
            RemoteExport export,
            long deadlineNanos,
            WaitingLine<RemotePiece> line) {
        Predicate<RemotePiece> isPart = null; // made before there is any, or there may be no memory to take them out
        try {
            isPart = piece -> piece.parent.request().equals(request);
            cut(link, request, export, deadlineNanos, line::add);
            return true;
        } catch (RuntimeException | Error fault) {
            link.loop().faults().caught(fault);
            if (isPart != null) {
                line.removeIf(isPart);
            }
            RemoteRequest.refuse(request);
            return false;
        }
    }

    private static void cut(
            RemoteLink link, BlockRequest request, RemoteExport export, long deadlineNanos, Consumer<RemotePiece> out) {
        boolean changes =
                switch (request.operation()) {
                    case READ, FLUSH -> false;
                    case WRITE, DISCARD, WRITE_ZEROES -> true;
                };
        boolean fua = changes && request.hasFlag(BlockRequest.FUA);
        boolean fuaByServer = export.offers(NbdFlags.SEND_FUA);
        boolean flushAfter = fua && !fuaByServer && export.offers(NbdFlags.SEND_FLUSH);
        RemoteRequest parent = new RemoteRequest(request, flushAfter);
        int flags = fua && fuaByServer ? NbdFlags.CMD_FUA : 0;
        long payloadLimit = Math.min(PIECE_LIMIT_BYTES, payloadLimitBytes(export));
        switch (request.operation()) {
            case FLUSH -> out.accept(flush(link, parent, deadlineNanos));
            case READ -> cut(link, parent, NbdCommand.READ, 0, payloadLimit, deadlineNanos, out);
            case WRITE -> cut(link, parent, NbdCommand.WRITE, flags, payloadLimit, deadlineNanos, out);
            case DISCARD -> cut(link, parent, NbdCommand.TRIM, flags, RANGE_LIMIT_BYTES, deadlineNanos, out);
            case WRITE_ZEROES -> {
                if (export.offers(NbdFlags.SEND_WRITE_ZEROES)) {
                    flags |= request.hasFlag(BlockRequest.NO_UNMAP) ? NbdFlags.CMD_NO_HOLE : 0;
                    flags |= request.hasFlag(BlockRequest.FAST_ZERO) ? NbdFlags.CMD_FAST_ZERO : 0;
                    cut(link, parent, NbdCommand.WRITE_ZEROES, flags, RANGE_LIMIT_BYTES, deadlineNanos, out);
                } else {
                    cut(link, parent, NbdCommand.WRITE, flags, payloadLimit, deadlineNanos, out);
                }
            }
        }
    }

    /** A FLUSH as one more piece of a request. */
    static RemotePiece flush(RemoteLink link, RemoteRequest parent, long deadlineNanos) {
        parent.addPiece();
        return new RemotePiece(link, parent, NbdCommand.FLUSH, 0, 0, 0, deadlineNanos);
    }

    private static void cut(
            RemoteLink link,
            RemoteRequest parent,
            int command,
            int flags,
            long limitBytes,
            long deadlineNanos,
            Consumer<RemotePiece> out) {
        long position = parent.request().offsetBytes();
        long end = position + parent.request().lengthBytes();
        while (position < end) {
            long lengthBytes = Math.min(limitBytes, end - position);
            parent.addPiece();
            out.accept(new RemotePiece(link, parent, command, flags, position, lengthBytes, deadlineNanos));
            position += lengthBytes;
        }
    }
}
