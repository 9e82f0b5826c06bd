package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is installed: a Debian package that can be made again byte for byte, a tight unit, every licence named. */
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
}
