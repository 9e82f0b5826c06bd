package dev.gossamer.daemon.config;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gossamer.daemon.server.access.AccessRules;
import dev.gossamer.daemon.server.access.AdminRules;
import dev.gossamer.daemon.server.access.ClientPolicy;
import dev.gossamer.daemon.server.access.ServerLimits;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import java.nio.file.Path;
import java.util.List;

/**
 * What {@code clients.yaml} in the pool's directory says: who may use which export, and how many clients there may be.
 * A file of its own, because it can be read again while the pool is served.
 *
 * <pre>
 *  access:                                # the first rule that fits decides; where none fits there is no access
 *  - {certificate: alice, exports: alice-*, rights: read-write}
 *  - {network: 10.0.0.0/8, exports: [public, iso], rights: read-only}
 *  - {uid: 1000, rights: read-write}
 *  admin:                                 # users other than the daemon's own, and root, on the admin socket
 *  - {uid: 1000, rights: read-only}
 *  limits:
 *    handshake-seconds: 10
 * </pre>
 */
public final class ClientsConfig {
    /** Thousands of rules; more is another file. */
    private static final int FILE_LIMIT_BYTES = 1 << 20;

    private final Path file;
    private ClientPolicy latest;
    private boolean wasThere;
    private boolean hadRules;

    /** @param file need not be there */
    public ClientsConfig(Path file) {
        this.file = file;
    }

    /**
     * Reads and checks the file; a message names the file, the place and the rule. No file means no restrictions; but
     * rules that were in force once do not end because their file is gone, or the key with them, which may be an
     * accident: of a file that is being written, half may be there.
     */
    public synchronized ClientPolicy read() throws StorageException {
        ClientPolicy policy = YamlFile.read(file, FILE_LIMIT_BYTES, ClientsConfig::policy);
        if (policy == null && wasThere) {
            throw new StorageException(
                    Errno.ENOENT,
                    file + " is gone; its rules stay in force. Put it back; or restart the daemon, to serve everybody");
        }
        if (policy != null && hadRules && policy.access().rules() == null) {
            throw new StorageException(
                    Errno.EINVAL,
                    file + " has no key 'access' any more; its rules stay in force. To let everybody do everything, say"
                            + " so: access: [{rights: read-write}]");
        }
        latest = policy;
        return policy == null ? ClientPolicy.DEFAULT : policy;
    }

    /** What was read last is in force: its rules do not end because they are gone from the file, or the file is. */
    public synchronized void inForce() {
        wasThere |= latest != null;
        hadRules |= latest != null && latest.access().rules() != null;
    }

    static ClientPolicy parse(Path file, String text) throws StorageException {
        return YamlFile.parse(file, text, ClientsConfig::policy);
    }

    private static ClientPolicy policy(ObjectNode root) {
        ConfigKeys.requireKnown(root, "", List.of("access", "admin", "limits"));
        AccessRules access = root.has("access") ? AccessRuleParser.parse(root.path("access")) : AccessRules.OPEN;
        AdminRules admin = root.has("admin") ? AccessRuleParser.parseAdmin(root.path("admin")) : AdminRules.NONE;
        return new ClientPolicy(access, limits(root.path("limits")), admin);
    }

    private static ServerLimits limits(JsonNode limits) {
        ServerLimits standard = ServerLimits.DEFAULT;
        if (limits.isMissingNode()) {
            return standard;
        }
        ConfigKeys.requireKnown(
                limits,
                "limits: ",
                List.of(
                        "connections",
                        "connections-per-peer",
                        "handshakes",
                        "handshakes-per-peer",
                        "handshake-seconds"));
        return new ServerLimits(
                number(limits, "connections", 1, standard.connections()),
                number(limits, "connections-per-peer", 1, standard.connectionsPerPeer()),
                number(limits, "handshakes", 1, standard.handshakes()),
                number(limits, "handshakes-per-peer", 1, standard.handshakesPerPeer()),
                number(limits, "handshake-seconds", 0, standard.handshakeSeconds()));
    }

    private static int number(JsonNode limits, String key, int least, int standard) {
        JsonNode value = limits.path(key);
        if (value.isMissingNode()) {
            return standard;
        }
        if (!value.isInt() || value.intValue() < least || value.intValue() > 1_000_000) {
            throw new IllegalArgumentException(
                    "limits: '" + key + "' must be a whole number from " + least + " to 1000000");
        }
        return value.intValue();
    }
}
