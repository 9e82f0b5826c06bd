package dev.gossamer.daemon.server.connection;

import dev.gossamer.daemon.server.export.OpenExport;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.nbd.handshake.MetaContext;
import dev.gossamer.nbd.transmission.ReplyEncoder;
import dev.gossamer.nbd.wire.NbdFlags;
import dev.gossamer.nbd.wire.NbdRequest;
import dev.gossamer.thin.StatusContext;
import dev.gossamer.thin.StatusQuery;
import java.util.ArrayDeque;
import java.util.List;
import java.util.function.Consumer;

/**
 * The BLOCK_STATUS commands of one connection: asks the export about the contexts that the client selected, or those
 * that this command is limited to. A command is begun only when there is memory for the longest answer that it can
 * have (T53, T54); then the export is asked one query at a time, so that a client with many of them is one in the line
 * of all clients. Waiting commands are bounded by what a connection may have in flight.
 *
 * <p>Confined to the connection's event loop.
 */
final class StatusQueries {
    /** Longest answer, all contexts together: what 4 GiB of alternating 64 KiB blocks need, but for three (T44). */
    static final int ANSWER_LIMIT_BYTES = 1 << 20;

    /** Data blocks are multiples of this; an extent ends at the end of a block, of the volume, or of its origin. */
    private static final int LEAST_BLOCK_BYTES = 64 << 10;

    private static final int PARTIAL_EXTENTS = 3;

    /** What a command without a list of contexts has as its filter. */
    private static final long NO_FILTER = -1;

    /** One command under way, and then its answer. */
    static final class Asked {
        private final IoBuffer memory;
        private final StatusContext[] contexts;
        private final int[] contextIds;
        private final NbdCopy command;
        private final long beganNanos;
        private long nanos;
        private StatusQuery query;

        private Asked(IoBuffer memory, StatusContext[] contexts, int[] contextIds, NbdCopy command, long beganNanos) {
            this.memory = memory;
            this.contexts = contexts;
            this.contextIds = contextIds;
            this.command = command;
            this.beganNanos = beganNanos;
        }

        /** How long the command has waited and been served; once that is over. */
        long nanos() {
            return nanos;
        }

        /** Belongs to the next command once this one is answered. */
        StatusQuery query() {
            return query;
        }

        /** Where the answer goes; whoever is told of the answer owns it. */
        IoBuffer memory() {
            return memory;
        }

        /** Ids of the contexts of the query, in its order. */
        int[] contextIds() {
            return contextIds;
        }

        long cookie() {
            return command.cookie;
        }

        long offsetBytes() {
            return command.offsetBytes;
        }
    }

    /** What is left of a command once the next one arrives. */
    private record NbdCopy(long cookie, long offsetBytes, long lengthBytes, boolean one) {}

    private final IoLoop loop;
    private final OpenExport export;
    private final HeldMemory memory;
    private final int[] allIds;
    private final Consumer<Asked> answered;
    private final StatusQuery query = new StatusQuery(this::finish);
    private final ArrayDeque<Asked> waiting = new ArrayDeque<>();
    // Of the command that is arriving; null if none is.
    private IoBuffer arriving;
    // The one that the export is asked; null if none is.
    private Asked current;

    /** @param answered told on the loop */
    StatusQueries(
            IoLoop loop, OpenExport export, HeldMemory memory, List<MetaContext> contexts, Consumer<Asked> answered) {
        this.loop = loop;
        this.export = export;
        this.memory = memory;
        this.allIds = contexts.stream().mapToInt(MetaContext::id).toArray();
        this.answered = answered;
    }

    /** Takes memory for the answer of the command that arrives. False, and nothing is begun, if there is none now. */
    boolean begin(NbdRequest command) {
        long extents = isOne(command) ? 1 : command.lengthBytes() / LEAST_BLOCK_BYTES + PARTIAL_EXTENTS;
        int ofEach = (int) Math.min(extents, StatusQuery.MAX_EXTENTS);
        long filter = command.contextFilter();
        int contexts = filter == NO_FILTER ? allIds.length : Long.bitCount(filter);
        long allBytes = (long) contexts * ReplyEncoder.blockStatusChunkBytes(ofEach);
        arriving = memory.tryAcquire((int) Math.min(allBytes, ANSWER_LIMIT_BYTES));
        return arriving != null;
    }

    private static boolean isOne(NbdRequest command) {
        return (command.flags() & NbdFlags.CMD_REQ_ONE) != 0;
    }

    /** The command has arrived whole; its answer follows when it is its turn. If this throws, none follows. */
    void ask(NbdRequest command) {
        long filter = command.contextFilter();
        NbdCopy copy = new NbdCopy(command.cookie(), command.offsetBytes(), command.lengthBytes(), isOne(command));
        long now = loop.nanoTime();
        waiting.add(
                filter == NO_FILTER
                        ? new Asked(arriving, export.contexts(), allIds, copy, now)
                        : new Asked(arriving, selected(filter), selectedIds(filter), copy, now));
        arriving = null;
        askNext();
    }

    /** The command that was arriving is not executed. */
    void abandon() {
        memory.giveBack(arriving);
        arriving = null;
    }

    private void askNext() {
        if (current != null || waiting.isEmpty()) {
            return;
        }
        current = waiting.poll();
        current.query = query;
        NbdCopy command = current.command;
        int errno = Errno.OK;
        try {
            query.prepare(loop, command.offsetBytes, command.lengthBytes, command.one, current.contexts);
            int ofEachBytes = current.memory.capacityBytes() / Math.max(1, current.contexts.length);
            query.limitExtents(ReplyEncoder.blockStatusExtents(ofEachBytes));
            export.queryStatus(query);
        } catch (RuntimeException | Error fault) {
            loop.faults().caught(fault);
            errno = Errno.EIO;
        }
        if (errno != Errno.OK) {
            query.complete(errno);
        }
    }

    /** The bit i of the filter stands for the i-th selected context. */
    private StatusContext[] selected(long filter) {
        StatusContext[] all = export.contexts();
        StatusContext[] contexts = new StatusContext[Long.bitCount(filter)];
        int count = 0;
        for (int i = 0; i < all.length; i++) {
            if ((filter >>> i & 1) != 0) {
                contexts[count++] = all[i];
            }
        }
        return contexts;
    }

    private int[] selectedIds(long filter) {
        int[] ids = new int[Long.bitCount(filter)];
        int count = 0;
        for (int i = 0; i < allIds.length; i++) {
            if ((filter >>> i & 1) != 0) {
                ids[count++] = allIds[i];
            }
        }
        return ids;
    }

    private void finish(StatusQuery done) {
        Asked asked = current;
        asked.nanos = loop.nanoTime() - asked.beganNanos;
        try {
            answered.accept(asked);
        } finally {
            current = null;
            askNext();
        }
    }
}
