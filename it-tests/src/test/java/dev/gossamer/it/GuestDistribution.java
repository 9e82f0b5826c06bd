package dev.gossamer.it;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** This program for a guest that has no Java: a disk with the distribution and what its Java runtime wants. */
final class GuestDistribution {
    /** The folder on the disk with libraries that the guest lacks; the distribution is in {@code gossamer}. */
    static final String LIBRARIES = "libraries";

    private GuestDistribution() {}

    /** The distribution, and the libraries that its Java runtime wants, as a file system. */
    static Path image(Path scratch) throws IOException, InterruptedException {
        Path root = Files.createDirectories(scratch.resolve("root"));
        Path home = Path.of(System.getProperty("gossamer.home")).toRealPath();
        Tool.succeed("cp", "-a", home.toString(), root.resolve("gossamer").toString());
        Path libraries = Files.createDirectories(root.resolve(LIBRARIES));
        List<String> natives;
        try (Stream<Path> files = Files.walk(home)) {
            natives = files.map(Path::toString)
                    .filter(name -> name.endsWith(".so"))
                    .toList();
        }
        for (String library : natives) {
            for (String line : Tool.run("ldd", library).out().lines().toList()) {
                String[] words = line.strip().split(" ", -1);
                boolean outside = words.length > 2 && words[2].startsWith("/") && !words[2].startsWith(home.toString());
                Path copy = outside ? libraries.resolve(Path.of(words[2]).getFileName()) : null;
                if (outside && !Files.exists(copy)) {
                    Files.copy(Path.of(words[2]), copy);
                }
            }
        }
        Path image = scratch.resolve("dist.img");
        Tool.succeed("truncate", "-s", "400M", image.toString());
        Tool.succeed("mkfs.ext4", "-q", "-F", "-d", root.toString(), image.toString());
        return image;
    }
}
