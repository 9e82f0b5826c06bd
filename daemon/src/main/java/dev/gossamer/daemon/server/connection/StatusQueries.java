package dev.gossamer.daemon.server.connection;

import dev.gossamer.daemon.server.export.OpenExport;
import dev.gossamer.io.IoLoop;
import dev.gossamer.nbd.handshake.MetaContext;
import dev.gossamer.nbd.wire.NbdFlags;
import dev.gossamer.nbd.wire.NbdRequest;
import dev.gossamer.thin.StatusContext;
import dev.gossamer.thin.StatusQuery;
import java.util.List;
import java.util.function.Consumer;

/**
 * The BLOCK_STATUS commands of one connection: asks the export about the contexts that the client selected, or those
 * that this command is limited to. Objects are used again; there are as many as commands were ever under way together.
 *
 * <p>Confined to the connection's event loop.
 */
final class StatusQueries {
    /** What a command without a list of contexts has as its filter. */
    private static final long NO_FILTER = -1;

    /** One command under way, and then its answer. */
    static final class Asked {
        private final StatusQuery query;
        private StatusContext[] contexts;
        private int[] contextIds;
        private long cookie;
        private long offsetBytes;
        private Asked next;

        private Asked(Consumer<Asked> answered) {
            query = new StatusQuery(done -> answered.accept(this));
        }

        StatusQuery query() {
            return query;
        }

        /** Ids of the contexts of the query, in its order. */
        int[] contextIds() {
            return contextIds;
        }

        long cookie() {
            return cookie;
        }

        long offsetBytes() {
            return offsetBytes;
        }
    }

    private final IoLoop loop;
    private final OpenExport export;
    private final int[] allIds;
    private final Consumer<Asked> answered;
    private Asked free;

    /** @param answered told on the loop; what it is given is used again after it returned */
    StatusQueries(IoLoop loop, OpenExport export, List<MetaContext> contexts, Consumer<Asked> answered) {
        this.loop = loop;
        this.export = export;
        this.allIds = contexts.stream().mapToInt(MetaContext::id).toArray();
        this.answered = answered;
    }

    void ask(NbdRequest command) {
        Asked asked = free;
        if (asked == null) {
            asked = new Asked(this::finish);
        } else {
            free = asked.next;
            asked.next = null;
        }
        asked.cookie = command.cookie();
        asked.offsetBytes = command.offsetBytes();
        select(asked, command.contextFilter());
        boolean one = (command.flags() & NbdFlags.CMD_REQ_ONE) != 0;
        asked.query.prepare(loop, command.offsetBytes(), command.lengthBytes(), one, asked.contexts);
        export.queryStatus(asked.query);
    }

    /** The bit i of the filter stands for the i-th selected context. */
    private void select(Asked asked, long filter) {
        StatusContext[] all = export.contexts();
        if (filter == NO_FILTER) {
            asked.contexts = all;
            asked.contextIds = allIds;
            return;
        }
        int count = 0;
        StatusContext[] contexts = new StatusContext[Long.bitCount(filter)];
        int[] ids = new int[contexts.length];
        for (int i = 0; i < all.length; i++) {
            if ((filter >>> i & 1) != 0) {
                contexts[count] = all[i];
                ids[count++] = allIds[i];
            }
        }
        asked.contexts = contexts;
        asked.contextIds = ids;
    }

    private void finish(Asked asked) {
        answered.accept(asked);
        asked.next = free;
        free = asked;
    }
}
