package dev.gossamer.nbd.handshake;

import dev.gossamer.nbd.wire.NbdOption;
import dev.gossamer.nbd.wire.NbdReply;
import dev.gossamer.nbd.wire.NbdText;
import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * What a client has chosen so far, and the answers to the options that choose. One object lives from the client flags,
 * or from the end of the TLS handshake, to transmission: STARTTLS starts a new one, so nothing said before it counts
 * (H37).
 */
final class Negotiation {
    private final ExportDirectory directory;
    private final Peer peer;
    private final boolean tlsOffered;
    private final boolean noZeroes;

    private boolean structuredReplies;
    private boolean extendedHeaders;
    private String contextsOfExport = "";
    private List<MetaContext> contexts = List.of();

    /**
     * @param tlsOffered the peer could use TLS but does not
     * @param noZeroes the answer to EXPORT_NAME ends without padding
     */
    Negotiation(ExportDirectory directory, Peer peer, boolean tlsOffered, boolean noZeroes) {
        this.directory = directory;
        this.peer = peer;
        this.tlsOffered = tlsOffered;
        this.noZeroes = noZeroes;
    }

    /**
     * Answers one of {@link NbdOption}, without ABORT, STARTTLS and those with long answers.
     *
     * @param data all of the option's data, and nothing else
     * @param out gets the answer; what is in it when the option is refused must be sent before the refusal
     * @return null if the negotiation goes on
     */
    NegotiatedExport answer(int option, ByteBuf data, ByteBuf out) throws OptionRefused {
        switch (option) {
            case NbdOption.EXPORT_NAME -> {
                return enterByName(data, out);
            }
            case NbdOption.INFO, NbdOption.GO -> {
                NegotiatedExport negotiated = inform(option, InfoRequest.parse(data), out);
                return option == NbdOption.GO ? negotiated : null;
            }
            case NbdOption.STRUCTURED_REPLY -> {
                requireEmpty(data);
                if (extendedHeaders) {
                    throw new OptionRefused(NbdReply.ERR_EXT_HEADER_REQD, "extended headers are in use");
                }
                structuredReplies = true;
            }
            case NbdOption.EXTENDED_HEADERS -> {
                requireEmpty(data);
                if (extendedHeaders) {
                    throw OptionRefused.invalid("extended headers are in use already");
                }
                structuredReplies = true;
                extendedHeaders = true;
            }
            case NbdOption.SET_META_CONTEXT -> selectContexts(data, out);
            default -> throw new AssertionError("option " + option);
        }
        OptionReply.ack(out, option);
        return null;
    }

    static void requireEmpty(ByteBuf data) throws OptionRefused {
        if (data.isReadable()) {
            throw OptionRefused.invalid("option takes no data");
        }
    }

    /** A new selection is attempted: the old one is gone even if the attempt fails (H22). */
    void forgetContexts() {
        contexts = List.of();
    }

    private NegotiatedExport enterByName(ByteBuf data, ByteBuf out) throws OptionRefused {
        String name = OptionText.read(data, data.readableBytes(), "name");
        if (extendedHeaders) {
            throw new OptionRefused(NbdReply.ERR_EXT_HEADER_REQD, "EXPORT_NAME after extended headers");
        }
        ExportInfo export = find(name);
        if (export.blockSizeRequired()) {
            throw blockSizeRequired();
        }
        NegotiatedExport negotiated = negotiated(export, false);
        OptionReply.exportName(out, negotiated, !noZeroes);
        return negotiated;
    }

    private NegotiatedExport inform(int option, InfoRequest request, ByteBuf out) throws OptionRefused {
        ExportInfo export = directory.find(peer, request.name());
        if (export == null && tlsOffered && directory.hasTlsOnlyExports()) {
            // The same for hidden and for missing exports: names cannot be guessed without TLS (H35).
            throw new OptionRefused(NbdReply.ERR_TLS_REQD, "export may need TLS");
        }
        if (export == null) {
            throw unknown(request.name());
        }
        if (export.blockSizeRequired() && !request.blockSizeAsked()) {
            OptionReply.blockSizes(out, option, export);
            throw blockSizeRequired();
        }
        NegotiatedExport negotiated = negotiated(export, request.blockSizeAsked());
        OptionReply.info(out, option, request, negotiated);
        return negotiated;
    }

    private NegotiatedExport negotiated(ExportInfo export, boolean blockSizeAsked) {
        // What holds for one export says nothing about another; compared by canonical name (M3).
        // And rules may have become stricter since it was selected.
        List<MetaContext> selected = contextsOfExport.equals(export.name())
                ? contexts.stream()
                        .filter(context -> directory.metaContext(peer, export.name(), context.name()) != null)
                        .toList()
                : List.of();
        return new NegotiatedExport(export, structuredReplies, extendedHeaders, blockSizeAsked, selected);
    }

    /** Answers LIST. */
    LongAnswer<ExportInfo> listExports(ByteBuf data) throws OptionRefused {
        requireEmpty(data);
        return LongAnswer.exports(NbdOption.LIST, directory.list(peer));
    }

    /** Answers LIST_META_CONTEXT. */
    LongAnswer<String> listContexts(ByteBuf data) throws OptionRefused {
        MetaRequest request = MetaRequest.parse(data);
        ExportInfo export = findForContexts(request);
        List<String> names = directory.metaContexts(peer, export.name());
        Set<String> listed = new LinkedHashSet<>();
        Collection<String> queries = request.queries();
        if (queries.isEmpty()) {
            ContextFamily.list("", names, listed);
        }
        for (String query : queries) {
            String name = query.indexOf(':') < 0 ? null : directory.metaContext(peer, export.name(), query);
            if (name != null) {
                listed.add(name);
            } else if (query.endsWith(":")) {
                ContextFamily.list(query, names, listed);
            }
        }
        return LongAnswer.contexts(NbdOption.LIST_META_CONTEXT, listed);
    }

    private void selectContexts(ByteBuf data, ByteBuf out) throws OptionRefused {
        forgetContexts();
        MetaRequest request = MetaRequest.parse(data);
        ExportInfo export = findForContexts(request);
        Set<String> names = new LinkedHashSet<>();
        for (String query : request.queries()) {
            if (query.indexOf(':') < 0) {
                throw OptionRefused.invalid("query has no namespace");
            }
            String name = directory.metaContext(peer, export.name(), query);
            if (name != null) {
                names.add(name);
            }
        }
        if (names.size() > NegotiatedExport.CONTEXT_LIMIT) {
            throw new OptionRefused(NbdReply.ERR_TOO_BIG, "more than 64 metadata contexts");
        }
        List<MetaContext> selected = new ArrayList<>(names.size());
        for (String name : names) {
            MetaContext context = new MetaContext(selected.size() + 1, name);
            selected.add(context);
            OptionReply.metaContext(out, NbdOption.SET_META_CONTEXT, context.id(), name);
        }
        contexts = selected;
        contextsOfExport = export.name();
    }

    private ExportInfo findForContexts(MetaRequest request) throws OptionRefused {
        if (!structuredReplies) {
            throw OptionRefused.invalid("metadata contexts need structured replies");
        }
        return find(request.name());
    }

    private ExportInfo find(String name) throws OptionRefused {
        ExportInfo export = directory.find(peer, name);
        if (export == null) {
            throw unknown(name);
        }
        return export;
    }

    private OptionRefused unknown(String name) {
        return new OptionRefused(
                NbdReply.ERR_UNKNOWN,
                name.isEmpty() ? directory.whyNoDefault(peer) : "export unknown: '" + NbdText.echo(name) + "'");
    }

    private static OptionRefused blockSizeRequired() {
        return new OptionRefused(NbdReply.ERR_BLOCK_SIZE_REQD, "client must ask for the block sizes");
    }
}
