import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * Says what a distribution is made of: {@code share/sbom.json} in CycloneDX's format, and {@code share/licenses} with
 * the texts that lie in the jars. Made here, and not by a plugin of the build, because what is shipped is not what the
 * build's tree of dependencies says: some jars are left out, some changed, a Java runtime added. Two runs make the same
 * bytes.
 *
 * <p>usage: java Inventory.java DISTRIBUTION VERSION EPOCH CLASS-PATH NOTICE; the class path is a file with one jar a
 * line, and NOTICE names each library's licence, without which this fails
 */
public final class Inventory {
    private static final Map<String, String> SPDX = new LinkedHashMap<>();

    static {
        SPDX.put("Apache 2.0", "Apache-2.0");
        SPDX.put("MIT", "MIT");
        SPDX.put("BSD 3-clause", "BSD-3-Clause");
        SPDX.put("BSD 2-clause", "BSD-2-Clause");
    }

    /** A jar by its place in Maven's repository. */
    private record Component(
            String group, String name, String version, String classifier, String licence, String sha256) {
        String purl() {
            String part = classifier.isEmpty() ? "" : "?classifier=" + classifier;
            return "pkg:maven/" + group + "/" + name + "@" + version + part;
        }

        String json() {
            return """
                    {"type": "library", "bom-ref": "%s", "group": "%s", "name": "%s", "version": "%s", "purl": "%s", \
                    "hashes": [{"alg": "SHA-256", "content": "%s"}], "licenses": [{"license": {"id": "%s"}}]}"""
                    .formatted(purl(), group, name, version, purl(), sha256, licence);
        }
    }

    private Inventory() {}

    public static void main(String[] args) throws IOException, NoSuchAlgorithmException {
        Path home = Path.of(args[0]);
        Map<String, String> licences = licences(Files.readString(Path.of(args[4])));
        Map<String, Component> components = new TreeMap<>();
        for (String line : Files.readString(Path.of(args[3])).split("[:\n]")) {
            Path jar = Path.of(line.strip());
            Path shipped = home.resolve("lib").resolve(jar.getFileName());
            Component component = component(jar, Files.exists(shipped) ? shipped : jar, args[1], licences);
            components.put(component.purl(), component);
            copyTexts(jar, home.resolve("share/licenses"));
        }
        Files.writeString(home.resolve("share/sbom.json"), bom(args[1], args[2], runtime(home), components.values()));
    }

    private static String bom(String version, String epoch, String java, Iterable<Component> components) {
        List<String> lines = new ArrayList<>();
        components.forEach(component -> lines.add("    " + component.json()));
        lines.add("""
                    {"type": "platform", "name": "OpenJDK", "version": "%s", \
                "licenses": [{"expression": "GPL-2.0-only WITH Classpath-exception-2.0"}]}"""
                .formatted(java));
        String all = String.join(",\n", lines);
        return """
                {
                  "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
                  "bomFormat": "CycloneDX",
                  "specVersion": "1.6",
                  "serialNumber": "urn:uuid:%s",
                  "version": 1,
                  "metadata": {
                    "timestamp": "%s",
                    "component": {"type": "application", "bom-ref": "gossamer", "name": "gossamer", "version": "%s"}
                  },
                  "components": [
                %s
                  ]
                }
                """
                .formatted(
                        UUID.nameUUIDFromBytes((version + all).getBytes(StandardCharsets.UTF_8)),
                        Instant.ofEpochSecond(Long.parseLong(epoch)),
                        version,
                        all);
    }

    private static String runtime(Path home) throws IOException {
        for (String line : Files.readAllLines(home.resolve("runtime/release"))) {
            if (line.startsWith("JAVA_VERSION=")) {
                return line.substring(line.indexOf('"') + 1, line.length() - 1);
            }
        }
        throw new IOException("the runtime does not say which it is");
    }

    private static Component component(Path jar, Path shipped, String version, Map<String, String> licences)
            throws IOException, NoSuchAlgorithmException {
        String hash = HexFormat.of()
                .formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(shipped)));
        String path = jar.toString();
        int repository = path.indexOf("/repository/");
        if (repository < 0) {
            String name = jar.getFileName().toString().replaceFirst("-[0-9].*", "");
            return new Component("dev.gossamer", name, version, "", "Apache-2.0", hash);
        }
        Path place = Path.of(path.substring(repository + "/repository/".length()));
        int parts = place.getNameCount();
        String name = place.getName(parts - 3).toString();
        String group = place.subpath(0, parts - 3).toString().replace('/', '.');
        String its = place.getName(parts - 2).toString();
        // NAME-VERSION.jar, or NAME-VERSION-CLASSIFIER.jar for a native part.
        String classifier = place.getFileName()
                .toString()
                .replace(name + "-" + its, "")
                .replaceFirst("\\.jar$", "")
                .replaceFirst("^-", "");
        return new Component(group, name, its, classifier, licenceOf(name, licences), hash);
    }

    private static String licenceOf(String name, Map<String, String> licences) throws IOException {
        String best = "";
        for (String known : licences.keySet()) {
            if ((name.equals(known) || name.startsWith(known + "-")) && known.length() > best.length()) {
                best = known;
            }
        }
        if (best.isEmpty()) {
            throw new IOException("NOTICE does not name " + name + ": add it with its licence");
        }
        return licences.get(best);
    }

    /** Paragraphs of NOTICE: names with commas, then on the same line or the next what the licence is. */
    private static Map<String, String> licences(String notice) {
        Map<String, String> licences = new LinkedHashMap<>();
        List<String> names = new ArrayList<>();
        for (String line : notice.split("\n")) {
            if (!line.startsWith("    ")) {
                continue;
            }
            String text = line.strip();
            int gap = text.indexOf("  ");
            boolean isLicence = line.startsWith(" ".repeat(30));
            String before = isLicence ? "" : gap < 0 ? text : text.substring(0, gap);
            String after = isLicence ? text : gap < 0 ? "" : text.substring(gap).strip();
            if (!before.isEmpty()) {
                names.addAll(List.of(before.split(", ")));
            }
            SPDX.forEach((words, id) -> {
                if (after.startsWith(words)) {
                    names.forEach(name -> licences.put(name, id));
                    names.clear();
                }
            });
        }
        return licences;
    }

    /** What a jar brings along of licences and notices, whose terms say that they go with it. */
    private static void copyTexts(Path jar, Path licenses) throws IOException {
        try (ZipFile zip = new ZipFile(jar.toFile())) {
            for (ZipEntry entry : zip.stream().toList()) {
                String file = entry.getName().substring(entry.getName().lastIndexOf('/') + 1);
                if (!file.matches("(?i)(.*-)?(licen[cs]e|notice|copying)(\\.(txt|md))?")) {
                    continue;
                }
                Path directory = Files.createDirectories(
                        licenses.resolve(jar.getFileName().toString().replaceFirst("\\.jar$", "")));
                try (InputStream text = zip.getInputStream(entry)) {
                    Files.write(directory.resolve(file), text.readAllBytes());
                }
            }
        }
    }
}
