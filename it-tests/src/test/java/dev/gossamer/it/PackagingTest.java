package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What is installed: a Debian package and an image that can be made again byte for byte, a tight unit, every licence
 * named. What takes longer is {@code it-tests/package/run}.
 */
final class PackagingTest {
    private static final Pattern EXPOSURE = Pattern.compile("Overall exposure level for \\S+: ([0-9.]+) ");
    private static final double MOST_EXPOSED = 2.0;

    @TempDir
    private Path scratch;

    private static Path home() {
        return Path.of(System.getProperty("gossamer.home")).normalize();
    }

    private static Path root() {
        return Path.of(System.getProperty("gossamer.root")).normalize();
    }

    private Path build(String name) throws IOException, InterruptedException {
        Tool.Result made = Tool.succeed(
                root().resolve("deploy/src/build-deb").toString(),
                home().toString(),
                "9.9-SNAPSHOT",
                scratch.resolve(name).toString());
        return Path.of(made.out().strip());
    }

    private static List<Path> below(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            return files.toList();
        }
    }

    @Test
    void twoPackagesOfOneDistributionAreTheSameAndWhatIsInOneRuns() throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/dpkg-deb")), "dpkg-deb, which makes packages, is not here");
        Path first = build("first");
        assertEquals(-1, Files.mismatch(first, build("second")), "the same bytes");
        assertTrue(Tool.succeed("dpkg-deb", "-f", first.toString(), "Version")
                .out()
                .startsWith("9.9~snapshot"));
        Path tree = scratch.resolve("tree");
        Tool.succeed("dpkg-deb", "-x", first.toString(), tree.toString());
        String version = Tool.succeed(tree.resolve("usr/bin/gossamer").toString(), "--version")
                .out();
        assertTrue(version.startsWith("gossamer "), version);
        for (String file : List.of(
                "usr/share/man/man1/gossamer-attach.1.gz",
                "usr/share/man/man5/gossamer-pool.yaml.5.gz",
                "usr/share/man/man7/gossamer-metrics.7.gz",
                "usr/share/doc/gossamer/copyright",
                "usr/share/bash-completion/completions/gossamer",
                "usr/share/fish/vendor_completions.d/gossamer.fish",
                "usr/lib/tmpfiles.d/gossamer.conf")) {
            assertTrue(Files.size(tree.resolve(file)) > 0, file);
        }
        String unit = Files.readString(tree.resolve("lib/systemd/system/gossamer@.service"));
        assertTrue(unit.contains("ExecStart=/usr/bin/gossamer serve %f"), unit);
        assertTrue(unit.contains("User=gossamer"), unit);
        for (Path file : below(tree)) {
            boolean others = !Files.isSymbolicLink(file)
                    && Files.getPosixFilePermissions(file).contains(PosixFilePermission.OTHERS_WRITE);
            assertTrue(!others, file::toString);
        }
    }

    @Test
    void theUnitOfThePackageIsTight() throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/systemd-analyze")), "systemd-analyze is not here");
        Path tree = scratch.resolve("tree");
        Tool.succeed("dpkg-deb", "-x", build("deb").toString(), tree.toString());
        String said = Tool.succeed(
                        "systemd-analyze",
                        "security",
                        "--offline=true",
                        "--no-pager",
                        "--root=" + tree,
                        "gossamer@.service")
                .out();
        Matcher matcher = EXPOSURE.matcher(said);
        assertTrue(matcher.find(), said);
        assertTrue(Double.parseDouble(matcher.group(1)) <= MOST_EXPOSED, said);
    }

    @Test
    void everyLibraryIsNamedWithItsLicence() throws IOException {
        String notice = Files.readString(home().resolve("NOTICE"));
        List<Path> jars = below(home().resolve("lib")).stream()
                .filter(path -> path.toString().endsWith(".jar"))
                .toList();
        assertTrue(jars.size() > 20);
        for (Path jar : jars) {
            String name = jar.getFileName().toString().replaceFirst("-[0-9].*", "");
            boolean ours = Files.isDirectory(root().resolve(name));
            String known = name.startsWith("netty-")
                    ? "netty"
                    : name.startsWith("prometheus-metrics-") ? "prometheus-metrics" : name;
            assertTrue(ours || notice.contains(known), () -> "NOTICE does not name " + name);
        }
        assertTrue(Files.isDirectory(home().resolve("runtime/legal")), "the runtime's own texts");
    }

    @Test
    void theInventoryHasEveryJarAndEveryTextThatComesWithOne() throws IOException {
        JsonNode bom =
                new JsonMapper().readTree(home().resolve("share/sbom.json").toFile());
        assertEquals("CycloneDX", bom.path("bomFormat").asText());
        Map<String, String> hashes = new HashMap<>();
        Set<String> references = new HashSet<>();
        for (JsonNode component : bom.path("components")) {
            assertFalse(component.path("licenses").isEmpty(), component::toString);
            hashes.put(
                    component.at("/hashes/0/content").asText(),
                    component.path("name").asText());
            assertTrue(references.add(component.path("bom-ref").asText()), component::toString);
        }
        for (Path jar : below(home().resolve("lib"))) {
            if (!jar.toString().endsWith(".jar")) {
                continue;
            }
            String hash = sha256(jar);
            assertTrue(hashes.containsKey(hash), () -> jar + " is not as the inventory says");
            try (ZipFile zip = new ZipFile(jar.toFile())) {
                Path texts = home().resolve("share/licenses")
                        .resolve(jar.getFileName().toString().replaceFirst("\\.jar$", ""));
                for (String text : List.of("META-INF/LICENSE", "META-INF/LICENSE.txt", "META-INF/NOTICE")) {
                    if (zip.getEntry(text) != null) {
                        assertTrue(Files.size(texts.resolve(text.substring("META-INF/".length()))) > 0, text);
                    }
                }
            }
        }
    }

    private static String sha256(Path file) throws IOException {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java has it", e);
        }
    }

    /** On a base of a few files, as if of a system. */
    @Test
    void anImageIsPlainFilesThatCanBeMadeAgainAndWhatIsInItRuns() throws Exception {
        Path base = Files.createDirectories(scratch.resolve("base/etc"));
        Files.writeString(base.resolve("passwd"), "gossamer:x:65532:65532::/pool:/bin/sh\n");
        Path tar = scratch.resolve("base.tar");
        Tool.succeed("tar", "-C", scratch.resolve("base").toString(), "-cf", tar.toString(), ".");
        String script = root().resolve("deploy/src/build-image").toString();
        Path first = scratch.resolve("first");
        Path second = scratch.resolve("second");
        Tool.succeed(script, home().toString(), "9.9", first.toString(), tar.toString());
        Tool.succeed(script, home().toString(), "9.9", second.toString(), tar.toString());
        Tool.succeed("diff", "-r", first.toString(), second.toString());
        assertEquals(
                1,
                Tool.run(script, home().toString(), "9.9", first.toString(), tar.toString())
                        .status());

        JsonNode manifest = blob(
                first,
                new JsonMapper().readTree(first.resolve("index.json").toFile()).at("/manifests/0"));
        assertEquals(
                "65532:65532",
                blob(first, manifest.path("config")).at("/config/User").asText());
        Path unpacked = Files.createDirectory(scratch.resolve("unpacked"));
        for (JsonNode layer : manifest.path("layers")) {
            Tool.succeed("tar", "-xzf", file(first, layer).toString(), "-C", unpacked.toString());
        }
        assertTrue(Files.exists(unpacked.resolve("etc/passwd")));
        assertTrue(Tool.succeed(unpacked.resolve("usr/bin/gossamer").toString(), "--version")
                .out()
                .startsWith("gossamer "));
    }

    private static Path file(Path image, JsonNode descriptor) throws IOException {
        String digest = descriptor.path("digest").asText().substring("sha256:".length());
        Path file = image.resolve("blobs/sha256").resolve(digest);
        assertEquals(digest, sha256(file));
        assertEquals(descriptor.path("size").asLong(), Files.size(file));
        return file;
    }

    private static JsonNode blob(Path image, JsonNode descriptor) throws IOException {
        return new JsonMapper().readTree(file(image, descriptor).toFile());
    }
}
