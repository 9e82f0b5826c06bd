package dev.gossamer.daemon.config;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gossamer.daemon.server.access.AccessRights;
import dev.gossamer.daemon.server.access.AccessRule;
import dev.gossamer.daemon.server.access.AccessRules;
import dev.gossamer.daemon.server.access.AdminRules;
import dev.gossamer.daemon.server.access.ExportNames;
import dev.gossamer.daemon.server.access.PeerCondition;
import java.util.ArrayList;
import java.util.List;

/** Access rules from their YAML form; {@link ClientsConfig} shows it. */
final class AccessRuleParser {
    private static final List<String> KEYS = List.of("certificate", "uid", "network", "exports", "rights");
    private static final long MAX_USER_ID = 0xffff_fffeL;

    private AccessRuleParser() {}

    /** Throws {@link IllegalArgumentException} with the number of the rule that is wrong. */
    static AccessRules parse(JsonNode list) {
        if (!list.isArray()) {
            throw new IllegalArgumentException("'access' must be a list of rules, each behind a dash");
        }
        List<AccessRule> rules = new ArrayList<>();
        for (JsonNode rule : list) {
            rules.add(rule(rule, "access rule " + (rules.size() + 1) + ": "));
        }
        return new AccessRules(rules);
    }

    /** As {@link #parse}, of the rules for the admin socket: each names a user and rights. */
    static AdminRules parseAdmin(JsonNode list) {
        if (!list.isArray()) {
            throw new IllegalArgumentException("'admin' must be a list of rules, each behind a dash");
        }
        List<AdminRules.Rule> rules = new ArrayList<>();
        for (JsonNode rule : list) {
            String place = "admin rule " + (rules.size() + 1) + ": ";
            ConfigKeys.requireKnown(rule, place, List.of("uid", "rights"));
            // A missing uid is none, and not everybody.
            rules.add(new AdminRules.Rule(user(rule.path("uid"), place).id(), rights(rule.path("rights"), place)));
        }
        return new AdminRules(rules);
    }

    private static AccessRule rule(JsonNode rule, String place) {
        ConfigKeys.requireKnown(rule, place, KEYS);
        List<PeerCondition> conditions = new ArrayList<>();
        if (rule.has("certificate")) {
            conditions.add(new PeerCondition.Certificate(text(rule.path("certificate"), place, "certificate")));
        }
        if (rule.has("uid")) {
            conditions.add(user(rule.path("uid"), place));
        }
        if (rule.has("network")) {
            try {
                conditions.add(PeerCondition.Network.parse(text(rule.path("network"), place, "network")));
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(place + e.getMessage(), e);
            }
        }
        return new AccessRule(
                conditions, new ExportNames(exports(rule.path("exports"), place)), rights(rule.path("rights"), place));
    }

    private static PeerCondition.User user(JsonNode value, String place) {
        if (value.asText().equals(PeerCondition.ANY)) {
            return new PeerCondition.User(null);
        }
        if (!value.isIntegralNumber()
                || !value.canConvertToLong()
                || value.longValue() < 0
                || value.longValue() > MAX_USER_ID) {
            throw new IllegalArgumentException(place + "'uid' must be the number of a user, or '*'");
        }
        return new PeerCondition.User(value.longValue());
    }

    private static List<String> exports(JsonNode value, String place) {
        List<String> exports = new ArrayList<>();
        if (value.isArray() && !value.isEmpty()) {
            value.forEach(name -> exports.add(text(name, place, "exports")));
        } else if (!value.isMissingNode()) {
            exports.add(text(value, place, "exports"));
        }
        return exports;
    }

    private static AccessRights rights(JsonNode value, String place) {
        return switch (value.asText()) {
            case "none" -> AccessRights.NONE;
            case "read-only" -> AccessRights.READ_ONLY;
            case "read-write" -> AccessRights.READ_WRITE;
            default -> throw new IllegalArgumentException(place + "'rights' must be read-write, read-only or none");
        };
    }

    /** Numbers are texts too: a volume may be called 2024. */
    private static String text(JsonNode value, String place, String key) {
        if ((!value.isTextual() && !value.isIntegralNumber()) || value.asText().isBlank()) {
            throw new IllegalArgumentException(
                    place + "'" + key + "' must be a name; put one that looks like something else in quotes");
        }
        return value.asText();
    }
}
