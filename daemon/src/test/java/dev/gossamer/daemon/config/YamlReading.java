package dev.gossamer.daemon.config;

import java.io.StringReader;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.yaml.snakeyaml.DumperOptions;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;
import org.yaml.snakeyaml.nodes.Tag;

/**
 * What {@code clients.yaml} says to another reader: a plain tree from the YAML library's own composer, and the words of
 * the manual taken literally. Slow and simple; throws {@link IllegalArgumentException} for what says nothing.
 */
final class YamlReading {
    private static final Pattern NUMBER = Pattern.compile("[0-9]+");
    private static final Pattern DECIMAL = Pattern.compile("0|-?[1-9][0-9]*");

    /** Of YAML 1.2 alone. */
    private static final Pattern OTHER_NUMBER = Pattern.compile("0o[0-7]+|[-+]?[0-9]+[eE][0-9]+");

    private final Map<String, Object> root;

    YamlReading(String text) {
        Object tree;
        try {
            tree = plain(new Yaml(new LoaderOptions()).compose(new StringReader(text)));
        } catch (RuntimeException e) {
            throw new IllegalArgumentException("no YAML: " + e.getMessage(), e);
        }
        root = map(tree, Set.of("access", "admin", "limits"));
    }

    /** Maps, lists, and scalars as their text; null for YAML's null, which is not the text. */
    @SuppressWarnings("RefactorSwitch") // Yields in place of returns would not read better.
    private static Object plain(Node node) {
        switch (node) {
            case MappingNode mapping -> {
                Map<String, Object> map = new LinkedHashMap<>();
                for (NodeTuple entry : mapping.getValue()) {
                    String key = ((ScalarNode) entry.getKeyNode()).getValue();
                    if (map.containsKey(key)) {
                        throw new IllegalArgumentException("key twice: " + key);
                    }
                    map.put(key, plain(entry.getValueNode()));
                }
                return map;
            }
            case SequenceNode sequence -> {
                List<Object> list = new ArrayList<>();
                sequence.getValue().forEach(each -> list.add(plain(each)));
                return list;
            }
            case ScalarNode scalar -> {
                requireOneMeaning(scalar);
                return scalar.getTag().equals(Tag.NULL) ? null : scalar.getValue();
            }
            case null -> throw new IllegalArgumentException("empty");
            default -> throw new IllegalArgumentException("an alias");
        }
    }

    /** A text, or a number in plain decimals: what else the library takes it for, another reader may not. */
    private static void requireOneMeaning(ScalarNode scalar) {
        boolean plain = scalar.getScalarStyle() == DumperOptions.ScalarStyle.PLAIN;
        Tag tag = scalar.getTag();
        String text = scalar.getValue();
        boolean number = tag.equals(Tag.INT)
                || tag.equals(Tag.FLOAT)
                || OTHER_NUMBER.matcher(text).matches();
        boolean good = !plain
                || tag.equals(Tag.NULL)
                || (number ? DECIMAL.matcher(text).matches() : tag.equals(Tag.STR));
        if (!good) {
            throw new IllegalArgumentException("more than one meaning: " + text);
        }
    }

    private static Map<String, Object> map(Object value, Set<String> known) {
        if (!(value instanceof Map<?, ?> map) || !known.containsAll(map.keySet())) {
            throw new IllegalArgumentException("not keys of " + known + ": " + value);
        }
        Map<String, Object> typed = new LinkedHashMap<>();
        map.forEach((key, each) -> typed.put((String) key, each));
        return typed;
    }

    private static List<?> list(Object value) {
        if (value instanceof List<?> list) {
            return list;
        }
        throw new IllegalArgumentException("no list: " + value);
    }

    private static String text(Object value) {
        if (value instanceof String text && !text.isBlank()) {
            return text;
        }
        throw new IllegalArgumentException("no name: " + value);
    }

    private static String rights(Object value) {
        if (value instanceof String text
                && Set.of("none", "read-only", "read-write").contains(text)) {
            return text;
        }
        throw new IllegalArgumentException("no rights: " + value);
    }

    private static boolean isUser(Object value, long userId) {
        String text = text(value);
        if (!text.equals("*") && !NUMBER.matcher(text).matches()) {
            throw new IllegalArgumentException("no user: " + text);
        }
        return text.equals("*") ? userId >= 0 : userId == Long.parseLong(text);
    }

    /** The rights of a peer without a certificate; {@code address} is null at a Unix socket. */
    String access(long userId, int[] address, String export) {
        if (!root.containsKey("access")) {
            return "read-write";
        }
        String decided = "none";
        boolean open = true;
        for (Object each : list(root.get("access"))) {
            Map<String, Object> rule = map(each, Set.of("certificate", "uid", "network", "exports", "rights"));
            String rights = rights(rule.get("rights"));
            boolean fits = !rule.containsKey("certificate")
                    || text(rule.get("certificate")).isEmpty();
            fits &= !rule.containsKey("uid") || isUser(rule.get("uid"), userId);
            fits &= !rule.containsKey("network") || isIn(text(rule.get("network")), address);
            fits &= !rule.containsKey("exports") || isAbout(rule.get("exports"), export);
            if (fits && open) {
                decided = rights;
                open = false;
            }
        }
        return decided;
    }

    private static boolean isAbout(Object exports, String export) {
        List<?> names = exports instanceof List<?> list && !list.isEmpty() ? list : List.of(text(exports));
        boolean fits = false;
        for (Object name : names) {
            String regex = Pattern.compile("[*]")
                    .splitAsStream(text(name) + "$")
                    .map(Pattern::quote)
                    .reduce((a, b) -> a + ".*" + b)
                    .orElseThrow();
            fits |= Pattern.compile(regex, Pattern.DOTALL).matcher(export + "$").matches();
        }
        return fits;
    }

    private static boolean isIn(String network, int[] address) {
        String[] parts = network.split("/", -1);
        String[] bytes = parts[0].split("[.]", -1);
        if (parts.length != 2 || network.indexOf(':') >= 0) {
            // An address of the other kind: none of the peers has one.
            return false;
        }
        long wanted = 0;
        long is = 0;
        for (int i = 0; i < 4; i++) {
            wanted = wanted << 8 | Integer.parseInt(bytes[i]);
            is = is << 8 | (address == null ? 0 : address[i]);
        }
        int shift = 32 - Integer.parseInt(parts[1]);
        return address != null && wanted >> shift == is >> shift;
    }

    String admin(long userId) {
        String decided = "none";
        boolean open = true;
        for (Object each : root.containsKey("admin") ? list(root.get("admin")) : List.of()) {
            Map<String, Object> rule = map(each, Set.of("uid", "rights"));
            String rights = rights(rule.get("rights"));
            if (isUser(rule.get("uid"), userId) && open) {
                decided = rights;
                open = false;
            }
        }
        return decided;
    }

    int limit(String key, int standard) {
        if (!root.containsKey("limits")) {
            return standard;
        }
        Map<String, Object> limits = map(
                root.get("limits"),
                Set.of(
                        "connections",
                        "connections-per-peer",
                        "handshakes",
                        "handshakes-per-peer",
                        "handshake-seconds"));
        return limits.containsKey(key) ? Integer.parseInt(text(limits.get(key))) : standard;
    }
}
