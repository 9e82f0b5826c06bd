package dev.gossamer.nbd.handshake;

import dev.gossamer.nbd.wire.NbdReply;
import io.netty.buffer.ByteBuf;
import java.util.LinkedHashSet;
import java.util.SequencedSet;

/** The data of LIST_META_CONTEXT and SET_META_CONTEXT. A query asked twice counts once (M2). */
record MetaRequest(String name, SequencedSet<String> queries) {
    /** Far above any client; clients ask for one or two (M4). */
    static final int QUERY_LIMIT = 1024;

    /** Parses exactly the readable bytes of {@code data}. */
    static MetaRequest parse(ByteBuf data) throws OptionRefused {
        String name = OptionText.readName(data, Integer.BYTES);
        long count = data.readUnsignedInt();
        if (count > data.readableBytes() / Integer.BYTES) {
            throw OptionRefused.invalid("number of queries does not fit the option");
        }
        if (count > QUERY_LIMIT) {
            throw new OptionRefused(NbdReply.ERR_TOO_BIG, "more than 1024 queries");
        }
        SequencedSet<String> queries = new LinkedHashSet<>();
        for (int i = 0; i < count; i++) {
            queries.add(OptionText.readQuery(data));
        }
        if (data.isReadable()) {
            throw OptionRefused.invalid("data is left over after the last query");
        }
        return new MetaRequest(name, queries);
    }
}
