package dev.gossamer.daemon.server.access;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.nbd.handshake.ExportDirectory;
import dev.gossamer.nbd.handshake.ExportInfo;
import dev.gossamer.nbd.handshake.Peer;
import dev.gossamer.nbd.wire.NbdFlags;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Stream;
import javax.security.auth.x500.X500Principal;
import org.junit.jupiter.api.Test;

/** Who sees which export, and how (X9). */
class AccessControlTest {
    private static final int WRITABLE = NbdFlags.HAS_FLAGS
            | NbdFlags.SEND_FLUSH
            | NbdFlags.SEND_FUA
            | NbdFlags.SEND_TRIM
            | NbdFlags.SEND_WRITE_ZEROES;

    private static final Peer NEAR = tcp("10.1.2.3");
    private static final Peer FAR = tcp("192.0.2.9");
    private static final Peer LOCAL = new Peer(null, false, null, 1000);
    private static final Peer ROOT = new Peer(null, false, null, 0);

    private final AdmissionCounters counters = new AdmissionCounters();
    private AccessRules rules = AccessRules.OPEN;
    private final AccessControl control =
            new AccessControl(new ThreeExports(), () -> rules, counters, new ClientLog(), () -> false);

    private static Peer tcp(String address) {
        return new Peer(new InetSocketAddress(address, 4711), false, null, Peer.NO_USER);
    }

    private List<ExportInfo> visible(Peer peer) {
        List<ExportInfo> visible = new ArrayList<>();
        for (ExportInfo export : control.list(peer)) {
            if (export != null) {
                visible.add(export);
            }
        }
        return visible;
    }

    @Test
    void theEmptyNameIsTheDefaultExportOrSaysWhichThereAre() {
        assertNull(control.find(FAR, ""));
        String why = control.whyNoDefault(FAR);
        assertTrue(visible(FAR).size() > 1);
        for (ExportInfo export : visible(FAR)) {
            assertTrue(why.contains(export.name()), why);
        }
        ExportDirectory withDefault = new ThreeExports() {
            @Override
            public String defaultName() {
                return "alice-1";
            }
        };
        AccessControl named = new AccessControl(withDefault, () -> rules, counters, new ClientLog(), () -> false);
        assertEquals("alice-1", named.find(FAR, "").name());
        rules = new AccessRules(List.of());
        assertNull(named.find(FAR, ""), "the default is for those alone that may use it");
        assertFalse(control.whyNoDefault(FAR).contains("alice"), "what a peer may not use has no name");
    }

    /** A peer without rights must not make the server look for the first export that it may see. */
    @Test
    void aListIsMadeAsItIsWalked() {
        int[] made = {0};
        ExportDirectory endless = new ExportDirectory() {
            @Override
            public Iterable<ExportInfo> list(Peer peer) {
                return () -> Stream.generate(() -> ThreeExports.export("hidden-" + made[0]++))
                        .iterator();
            }

            @Override
            public ExportInfo find(Peer peer, String name) {
                return null;
            }

            @Override
            public int count(Peer peer) {
                return 1_000_000;
            }
        };
        AccessControl narrow =
                new AccessControl(endless, () -> new AccessRules(List.of()), counters, new ClientLog(), () -> false);
        Iterator<ExportInfo> list = narrow.list(FAR).iterator();
        assertNull(list.next());
        assertNull(list.next());
        assertEquals(2, made[0]);
        assertNull(narrow.find(FAR, ""), "among so many none is the default");
        assertEquals(2, made[0]);
    }

    @Test
    void aStarStandsForAnyCharactersAndNothingElseDoes() {
        String[][] fits = {
            {"*", ""},
            {"*", "a"},
            {"a*", "a"},
            {"a*", "ab"},
            {"*a", "ba"},
            {"a*b*c", "abc"},
            {"a*b*c", "a1b2b3c"},
            {"*ab", "aab"},
            {"a.c*", "a.c"},
            {"**", "x"},
            {"a*\\E*", "a\\E"}
        };
        String[][] not = {
            {"a*", ""},
            {"a*", "b"},
            {"*a", "ab"},
            {"a*b", "a"},
            {"a*b*c", "acb"},
            {"a.c*", "abc"},
            {"a*a", "a"},
            {"abc", "ab"},
            {"A*", "ab"}
        };
        for (String[] pair : fits) {
            assertTrue(new ExportNames(List.of(pair[0])).contains(pair[1]), String.join(" ", pair));
        }
        for (String[] pair : not) {
            assertFalse(new ExportNames(List.of(pair[0])).contains(pair[1]), String.join(" ", pair));
        }
        assertTrue(new ExportNames(List.of()).contains("any"));
    }

    /** Three volumes of one lineage. */
    private static class ThreeExports implements ExportDirectory {
        @Override
        public List<ExportInfo> list(Peer peer) {
            return List.of(export("alice-1"), export("alice-2"), export("bob"));
        }

        private static ExportInfo export(String name) {
            return new ExportInfo(name, "", 1 << 20, WRITABLE, 1, 4096, 1 << 20);
        }

        @Override
        public ExportInfo find(Peer peer, String name) {
            return list(peer).stream()
                    .filter(export -> export.name().equals(name))
                    .findFirst()
                    .orElse(null);
        }

        @Override
        public List<String> metaContexts(Peer peer, String exportName) {
            return List.of(
                    "base:allocation", "qemu:dirty-bitmap:alice-2", "x-thin:changed:bob", "qemu:dirty-bitmap:#3");
        }
    }

    private static AccessRule rule(AccessRights rights, String exports, PeerCondition... who) {
        return new AccessRule(List.of(who), new ExportNames(exports.isEmpty() ? List.of() : List.of(exports)), rights);
    }

    private List<String> names(Peer peer) {
        return visible(peer).stream().map(ExportInfo::name).toList();
    }

    @Test
    void ofSeveralCommonNamesItIsTheOneOfThePeerAndNotOfWhatHoldsIt() {
        for (String subject : List.of("CN=alice", "CN=alice,CN=Users,DC=example", "OU=x,CN=alice,CN=Users,O=y")) {
            assertEquals("alice", PeerCondition.Certificate.commonName(new X500Principal(subject)), subject);
        }
        assertNull(PeerCondition.Certificate.commonName(new X500Principal("O=nobody")));
    }

    @Test
    void withoutRulesEverybodyMayDoEverything() {
        assertEquals(3, names(FAR).size());
        assertEquals(WRITABLE, control.find(FAR, "bob").transmissionFlags());
        assertEquals("qemu:dirty-bitmap:#3", control.metaContext(FAR, "bob", "qemu:dirty-bitmap:#3"));
    }

    @Test
    void theFirstRuleThatFitsDecidesAndNoneMeansNoAccess() {
        rules = new AccessRules(List.of(
                rule(AccessRights.NONE, "alice-2"),
                rule(AccessRights.READ_WRITE, "alice-*", PeerCondition.Network.parse("10.0.0.0/8"))));
        assertEquals(List.of("alice-1"), names(NEAR));
        assertEquals(List.of(), names(FAR));
        assertEquals(List.of(), names(LOCAL));
        assertNull(control.find(NEAR, "alice-2"));
        assertNull(control.find(FAR, "alice-1"));
        assertEquals(2, counters.accessDenied());
        assertNull(control.find(FAR, "nobody's"));
        assertEquals(2, counters.accessDenied(), "what does not exist is not denied");
        assertEquals("alice-1", control.find(NEAR, "").name(), "the only export of this peer is its default");
    }

    @Test
    void aStarStandsForAnyCharactersAndNothingElseIsSpecial() {
        rules = new AccessRules(List.of(rule(AccessRights.READ_WRITE, "a*-1"), rule(AccessRights.READ_WRITE, "b.b")));
        assertEquals(List.of("alice-1"), names(FAR));
    }

    @Test
    void whoMayOnlyReadSeesAReadOnlyExport() {
        rules = new AccessRules(List.of(rule(AccessRights.READ_ONLY, "bob")));
        ExportInfo bob = control.find(FAR, "bob");
        assertEquals(NbdFlags.HAS_FLAGS | NbdFlags.SEND_FLUSH | NbdFlags.READ_ONLY, bob.transmissionFlags());
        assertEquals(bob, visible(FAR).getFirst());
    }

    @Test
    void usersOfUnixSocketsAreToldApart() {
        rules = new AccessRules(List.of(
                rule(AccessRights.READ_WRITE, "bob", new PeerCondition.User(1000L)),
                rule(AccessRights.READ_WRITE, "alice-1", new PeerCondition.User(null))));
        assertEquals(List.of("alice-1", "bob"), names(LOCAL));
        assertEquals(List.of("alice-1"), names(ROOT));
        assertEquals(List.of(), names(NEAR));
    }

    /** A context that compares with a volume tells about that volume. */
    @Test
    void differencesFromForbiddenVolumesAreNotThere() {
        rules = new AccessRules(List.of(rule(AccessRights.READ_ONLY, "alice-*")));
        assertEquals(List.of("base:allocation", "qemu:dirty-bitmap:alice-2"), control.metaContexts(FAR, "alice-1"));
        assertNotNull(control.metaContext(FAR, "alice-1", "qemu:dirty-bitmap:alice-2"));
        assertNull(control.metaContext(FAR, "alice-1", "x-thin:changed:bob"));
        assertNull(control.metaContext(FAR, "alice-1", "qemu:dirty-bitmap:#3"));
    }

    @Test
    void certificatesMakeSomeExportsInvisibleWithoutTls() {
        assertFalse(control.hasTlsOnlyExports());
        rules = new AccessRules(List.of(rule(AccessRights.READ_ONLY, "bob", new PeerCondition.Certificate("*"))));
        assertTrue(control.hasTlsOnlyExports());
        assertEquals(List.of(), names(LOCAL));
    }
}
