package dev.gossamer.it;

import static dev.gossamer.it.RandomImage.MIB;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a device of a pool holds, read by this daemon or by the kernel of a guest.
 *
 * @param sectors its length
 * @param sha256 of all of it
 */
record PoolContents(long sectors, String sha256) {
    private static final int SECTOR = 512;

    /** A guest that compares all devices with what is expected, and then goes through a step of the script. */
    static Guest guest(
            Path scratch, String step, int blockSectors, Path metadata, Path data, Map<Long, PoolContents> expected)
            throws IOException {
        Path noise = scratch.resolve("noise");
        RandomImage.write(noise, 8, 9);
        Path list = Files.write(
                scratch.resolve("expected"),
                expected.entrySet().stream()
                        .map(device -> device.getKey() + " " + device.getValue().sectors() + " "
                                + device.getValue().sha256())
                        .toList());
        return new Guest(scratch, "thin-pool.sh")
                .withDisk(metadata)
                .withDisk(data)
                .with(noise)
                .with(list)
                .with("STEP", step)
                .with("BLOCK_SECTORS", blockSectors);
    }

    /**
     * What this daemon reads from all of its volumes, by device id. A volume that {@code asIn} names is as long as
     * there: one without a name has here the length of what is mapped, and zeros follow.
     */
    static Map<Long, PoolContents> of(Daemon daemon, Map<Long, PoolContents> asIn) throws Exception {
        Map<Long, PoolContents> all = new TreeMap<>();
        for (JsonNode volume : daemon.volumes()) {
            long id = volume.path("id").asLong();
            long sizeBytes = volume.path("sizeBytes").asLong();
            PoolContents known = asIn.get(id);
            long sectors = known == null ? sizeBytes / SECTOR : known.sectors();
            String name = volume.path("name").asText();
            all.put(id, new PoolContents(sectors, sha256(daemon, name, sizeBytes, sectors * SECTOR)));
        }
        return all;
    }

    private static String sha256(Daemon daemon, String volume, long sizeBytes, long lengthBytes) throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        try (NbdConnection connection = NbdConnection.open(daemon.socket(), volume)) {
            for (long at = 0; at < lengthBytes; at += MIB) {
                int wanted = (int) Math.min(lengthBytes - at, MIB);
                int there = Math.clamp(sizeBytes - at, 0, wanted);
                if (there > 0) {
                    digest.update(connection.readNow(at, there));
                }
                digest.update(new byte[wanted - there]);
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }
}
