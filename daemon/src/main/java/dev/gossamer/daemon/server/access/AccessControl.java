package dev.gossamer.daemon.server.access;

import dev.gossamer.nbd.handshake.ExportDirectory;
import dev.gossamer.nbd.handshake.ExportInfo;
import dev.gossamer.nbd.handshake.Peer;
import dev.gossamer.nbd.wire.NbdFlags;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * The exports as each peer may see them (X9): what it may not use does not exist for it, what it may only read is
 * read-only. Rules that change hold for the next option of every handshake; open exports stay as they are.
 */
public final class AccessControl implements ExportDirectory {
    private static final int WRITE_FLAGS =
            NbdFlags.SEND_FUA | NbdFlags.SEND_TRIM | NbdFlags.SEND_WRITE_ZEROES | NbdFlags.SEND_FAST_ZERO;

    /** Among more exports nobody leaves the name out; looking through them for each who does would cost others time. */
    private static final int DEFAULT_AMONG = 256;

    /** What a refusal has room for beside its other words. */
    private static final int NAMED_CHARS = 200;

    private final ExportDirectory exports;
    private final Supplier<AccessRules> rules;
    private final AdmissionCounters counters;
    private final ClientLog log;
    private final BooleanSupplier stopping;

    public AccessControl(
            ExportDirectory exports,
            Supplier<AccessRules> rules,
            AdmissionCounters counters,
            ClientLog log,
            BooleanSupplier stopping) {
        this.exports = exports;
        this.rules = rules;
        this.counters = counters;
        this.log = log;
        this.stopping = stopping;
    }

    @Override
    public Iterable<ExportInfo> list(Peer peer) {
        AccessRules now = rules.get();
        if (now.rules() == null) {
            return exports.list(peer);
        }
        AccessRules ofPeer = now.about(peer);
        Iterable<ExportInfo> all = exports.list(peer);
        return () -> new Mapped<>(all.iterator(), export -> {
            AccessRights rights = export == null ? AccessRights.NONE : ofPeer.rights(peer, export.name());
            return rights == AccessRights.NONE ? null : restrict(export, rights);
        });
    }

    /** As if the peer might use them all. */
    @Override
    public int count(Peer peer) {
        return exports.count(peer);
    }

    /** Names the first few that this peer may use. */
    @Override
    public String whyNoDefault(Peer peer) {
        if (!exports.defaultName().isEmpty()) {
            return "the default export does not exist, or is not for you; name another";
        }
        if (exports.count(peer) > DEFAULT_AMONG) {
            return "name an export; there are many (default-export in pool.yaml makes one the default)";
        }
        StringBuilder names = new StringBuilder();
        for (ExportInfo export : list(peer)) {
            if (export != null && names.length() > NAMED_CHARS) {
                names.append(", ...");
                break;
            }
            names.append(export == null ? "" : (names.isEmpty() ? "" : ", ") + export.name());
        }
        return names.isEmpty()
                ? "there is no export yet"
                : "name an export: " + names + " (default-export in pool.yaml makes one the default)";
    }

    /** Clients seldom show what a server says, so whoever started us from one finds it in the log. */
    @Override
    public ExportInfo find(Peer peer, String name) {
        if (!name.isEmpty()) {
            return findNamed(peer, name);
        }
        ExportInfo export = findNamed(peer, exports.defaultName());
        if (export == null) {
            log.refused(ClientLog.Kind.NO_NAME, PeerName.of(peer), whyNoDefault(peer));
        }
        return export;
    }

    private ExportInfo findNamed(Peer peer, String name) {
        AccessRules now = rules.get();
        if (name.isEmpty() && now.rules() != null) {
            // The default is the only export there is; for this peer that may be the only one it may use.
            return exports.count(peer) > DEFAULT_AMONG ? null : ExportDirectory.onlyOne(list(peer));
        }
        ExportInfo export = exports.find(peer, name);
        if (export == null) {
            return null;
        }
        AccessRights rights = now.rights(peer, export.name());
        if (rights == AccessRights.NONE) {
            counters.countAccessDenied();
            log.refusedExport(export.name(), PeerName.of(peer), "no rule lets it in");
            return null;
        }
        return restrict(export, rights);
    }

    private static ExportInfo restrict(ExportInfo export, AccessRights rights) {
        if (rights == AccessRights.READ_WRITE || (export.transmissionFlags() & NbdFlags.READ_ONLY) != 0) {
            return export;
        }
        return new ExportInfo(
                export.name(),
                export.description(),
                export.sizeBytes(),
                (export.transmissionFlags() & ~WRITE_FLAGS) | NbdFlags.READ_ONLY,
                export.minimumBlockBytes(),
                export.preferredBlockBytes(),
                export.maximumPayloadBytes(),
                export.blockSizeRequired());
    }

    @Override
    public List<String> metaContexts(Peer peer, String exportName) {
        return exports.metaContexts(peer, exportName).stream()
                .filter(context -> mayCompare(peer, context))
                .toList();
    }

    @Override
    public String metaContext(Peer peer, String exportName, String query) {
        String context = exports.metaContext(peer, exportName, query);
        return context != null && mayCompare(peer, context) ? context : null;
    }

    /**
     * A difference tells about both volumes, so the peer needs access to the other one too. Its name ends the
     * context's; an id in its place could stand for any volume and is refused where there are rules.
     */
    private boolean mayCompare(Peer peer, String context) {
        AccessRules now = rules.get();
        int other = context.startsWith("qemu:dirty-bitmap:") || context.startsWith("x-thin:changed:")
                ? context.indexOf(':', context.indexOf(':') + 1) + 1
                : context.length();
        if (now.rules() == null || other == context.length()) {
            return true;
        }
        return exports.find(peer, context.substring(other)) != null
                && now.rights(peer, context.substring(other)) != AccessRights.NONE;
    }

    @Override
    public boolean hasTlsOnlyExports() {
        return rules.get().needCertificates();
    }

    @Override
    public boolean isStopping() {
        return stopping.getAsBoolean();
    }
}
