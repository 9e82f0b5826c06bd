package dev.gossamer.it;

import static dev.gossamer.it.Daemon.gossamer;
import static dev.gossamer.it.RandomImage.MIB;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A thin pool that LVM and a kernel made goes to this daemon, on a machine without device-mapper, and back to LVM
 * (OT-58): by its name there, volumes by theirs, and every byte at each hand-over.
 */
final class LvmPoolTest {
    private static final String WRITE_MORE =
            """
            import random
            r = random.Random(11)
            for uri in uris:
                h = opened(uri)
                size = h.get_size()
                for i in range(30):
                    length = r.choice([512, 4096, 20480, 65536, 300000 // 512 * 512])
                    h.pwrite(r.randbytes(length), 512 * r.randrange((size - length) // 512))
                h.trim(1 << 20, 3 << 20)
                h.flush()
            """;

    @TempDir
    private Path scratch;

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void aPoolGoesFromLvmToThisDaemonAndBack(int stripes) throws Exception {
        List<Path> disks = List.of(image("a.img"), image("b.img"));
        Map<String, String> lvms =
                reported(guest("make", disks, Map.of()).with("STRIPES", stripes).run());
        assertEquals(List.of("early", "late", "one", "over", "shadow", "three", "two"), List.copyOf(lvms.keySet()));
        // The guest has made the origin of the noise: it is there as a volume, and as a file.
        String golden = stripes == 1
                ? "lvm:group/golden?pv=" + disks.get(0) + "&pv=" + disks.get(1)
                : scratch.resolve("noise").toString();

        Map<String, String> ours;
        try (Daemon daemon = Daemon.adoptLvm(scratch, "group/pool", disks, "golden=" + golden)
                .start()) {
            assertEquals(lvms, contents(daemon), "what the kernel has written");
            JsonNode early = daemon.volumes().stream()
                    .filter(volume -> volume.path("name").asText().equals("early"))
                    .findAny()
                    .orElseThrow();
            assertTrue(early.path("readOnly").asBoolean(), "a read-only volume of LVM");
            assertEquals(daemon.volumeId("one"), early.path("originId").asLong());
            daemon.createSnapshot("one", "ours");
            daemon.createVolume("new", "8M");
            assertEquals(0xFFFFFE, daemon.volumeId("ours"), "LVM takes the lowest ids");
            Libnbd.run(
                    WRITE_MORE,
                    daemon.uri("one"),
                    daemon.uri("late"),
                    daemon.uri("over"),
                    daemon.uri("ours"),
                    daemon.uri("new"));
            ours = contents(daemon);
            assertNotEquals(lvms.get("one"), ours.get("one"));
            assertEquals(lvms.get("early"), ours.get("early"));
            daemon.stop();
        }
        String name = "lvm:group/pool?pv=" + disks.get(0) + "&pv=" + disks.get(1);
        gossamer("check", name).expectStatus(0);
        List<String> names = gossamer("ls", "--no-headers", "-o", "NAME", name)
                .expectStatus(0)
                .out()
                .lines()
                .map(String::strip)
                .sorted()
                .toList();
        assertEquals(
                List.of("(names)", "early", "late", "new", "one", "ours", "over", "shadow", "three", "two"), names);

        ours.keySet().retainAll(lvms.keySet());
        Map<String, String> back = reported(guest("back", disks, ours).run());
        assertEquals(
                List.of("again", "early", "four", "late", "one", "over", "shadow", "three", "two"),
                List.copyOf(back.keySet()));

        try (Daemon daemon = Daemon.of(scratch.resolve("pool")).start()) {
            Map<String, String> again = contents(daemon);
            again.keySet().retainAll(back.keySet());
            assertEquals(back, again, "what the kernel has written on top");
            daemon.stop();
        }
    }

    private Path image(String name) throws IOException {
        Path file = scratch.resolve(name);
        try (RandomAccessFile image = new RandomAccessFile(file.toFile(), "rw")) {
            image.setLength(80L * MIB);
        }
        return file;
    }

    private Guest guest(String step, List<Path> disks, Map<String, String> expected) throws IOException {
        Path noise = scratch.resolve("noise");
        RandomImage.write(noise, 8, 9);
        Path list = Files.write(
                scratch.resolve("expected"),
                expected.entrySet().stream()
                        .map(volume -> volume.getKey() + " " + volume.getValue())
                        .toList());
        Guest guest = new Guest(scratch, "lvm-pool.sh").with(noise).with(list).with("STEP", step);
        disks.forEach(guest::withDisk);
        return guest;
    }

    /** What the guest says in its "contents:" lines: size and sum, by name. */
    private static Map<String, String> reported(List<String> console) {
        return console.stream()
                .filter(line -> line.startsWith("contents: "))
                .map(line -> line.split(" ", 3))
                .collect(Collectors.toMap(words -> words[1], words -> words[2], (one, other) -> one, TreeMap::new));
    }

    private static Map<String, String> contents(Daemon daemon) throws Exception {
        Map<String, String> all = new TreeMap<>();
        for (JsonNode volume : daemon.volumes()) {
            long size = volume.path("sizeBytes").asLong();
            String name = volume.path("name").asText();
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            try (NbdConnection connection = NbdConnection.open(daemon.socket(), name)) {
                for (long at = 0; at < size; at += MIB) {
                    digest.update(connection.readNow(at, (int) Math.min(size - at, MIB)));
                }
            }
            all.put(name, size + " " + HexFormat.of().formatHex(digest.digest()));
        }
        return all;
    }
}
