package dev.gossamer.io.lvm;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.lvm.format.MetadataArea;
import dev.gossamer.io.lvm.format.PvLabel;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import java.io.IOException;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * Physical volumes that somebody has edited, checksums made right: each edit is refused in one line, or its volumes are
 * opened and every byte of them lies on a device. Reads outside a device, and large ones, fail in {@link MemoryPv}. The
 * property {@code gossamer.fuzz.lvm} says how many edits.
 */
final class LvmFuzzTest {
    private static final int EDITS = Integer.getInteger("gossamer.fuzz.lvm", 2_000);

    private static final Pattern NUMBER = Pattern.compile("(?<== |, )-?\\d+");
    private static final String[] NUMBERS = {
        "0",
        "1",
        "-1",
        "2",
        "3",
        "4095",
        "4294967295",
        "4294967296",
        "4294967297",
        "2147483648",
        "9223372036854775807",
        "-9223372036854775808",
        "1099511627776",
        "99999999999999999999",
        "\"text\"",
        "[]",
        "[1, 2]"
    };

    private final SplittableRandom random = Seeds.splittable(31);
    private int opened;
    private int refused;

    private void tryOpening(MemoryPv a, MemoryPv b) throws IOException {
        try {
            GroupFinder finder = new GroupFinder();
            finder.look(a);
            finder.look(b);
            FoundGroup group = finder.find("group", false);
            FoundGroup.Pool pool = group.pool("pool");
            if (pool != null) {
                group.volumesOf("pool");
                group.activeUuids("pool");
                open(group, pool.metadata());
                open(group, pool.data());
                opened++;
            }
        } catch (StorageException e) {
            assertTrue(e.getMessage().lines().count() == 1, e.getMessage());
            refused++;
        }
    }

    private static void open(FoundGroup group, String volume) throws IOException {
        VolumeOpener opener = new VolumeOpener(group, device -> new SimulatedDisk(device.sizeBytes()), true);
        try (BlockDevice device = opener.open(volume, () -> {})) {
            long size = device.sizeBytes();
            // no extent is had twice, so no volume is larger than all devices together
            assertTrue(size > 0 && size <= 2 * MemoryPv.POOL_BYTES, volume + " has " + size);
        }
    }

    @Test
    void editedTexts() throws IOException {
        String text = MetadataArea.read(MemoryPv.ofPool("a"), new PvLabel.Area(4096, 1044480));
        String a = PvLabel.find(MemoryPv.ofPool("a")).uuid();
        String b = PvLabel.find(MemoryPv.ofPool("b")).uuid();
        tryOpening(holding("a", a, text), holding("b", b, text));
        assertTrue(opened == 1, "the text without an edit");
        for (int i = 0; i < EDITS; i++) {
            String edited = text;
            for (int edits = 1 + random.nextInt(3); edits > 0; edits--) {
                edited = edit(edited);
            }
            tryOpening(holding("a", a, edited), holding("b", b, edited));
        }
        assertTrue(opened > EDITS / 50 && refused > EDITS / 10, opened + " opened, " + refused + " refused");
    }

    private static MemoryPv holding(String name, String uuid, String text) {
        return ForgedPv.holding(name, uuid, text, MemoryPv.POOL_BYTES);
    }

    private String edit(String text) {
        return switch (random.nextInt(5)) {
            case 0, 1 -> otherNumber(text);
            case 2 -> { // a line goes, or is there twice
                String[] lines = text.split("\n");
                int at = random.nextInt(lines.length);
                lines[at] = random.nextBoolean() ? "" : lines[at] + "\n" + lines[at];
                yield String.join("\n", lines);
            }
            case 3 -> { // one word for another
                String[] words = text.split("(?<=[\\s\"])|(?=[\\s\"])");
                words[random.nextInt(words.length)] = words[random.nextInt(words.length)];
                yield String.join("", words);
            }
            default -> { // bytes
                byte[] bytes = text.getBytes(UTF_8);
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
                int from = random.nextInt(bytes.length);
                yield random.nextInt(4) > 0 ? new String(bytes, UTF_8) : new String(bytes, 0, from, UTF_8);
            }
        };
    }

    private String otherNumber(String text) {
        Matcher numbers = NUMBER.matcher(text);
        int count = (int) numbers.results().count();
        if (count == 0) {
            return text; // cut off before the first
        }
        int chosen = random.nextInt(count);
        numbers.reset();
        for (int i = 0; i <= chosen; i++) {
            numbers.find();
        }
        String number = random.nextInt(3) == 0
                ? Integer.toString(random.nextInt(100))
                : NUMBERS[random.nextInt(NUMBERS.length)];
        return text.substring(0, numbers.start()) + number + text.substring(numbers.end());
    }

    @Test
    void editedLabelsAndAreas() throws IOException {
        MemoryPv a = MemoryPv.ofPool("a");
        MemoryPv b = MemoryPv.ofPool("b");
        for (int i = 0; i < EDITS; i++) {
            MemoryPv edited = a.named("a");
            for (int edits = 1 + random.nextInt(4); edits > 0; edits--) {
                int at = random.nextBoolean() ? 512 + random.nextInt(160) : 4096 + random.nextInt(96);
                edited.start[at] = (byte) (random.nextBoolean() ? random.nextInt() : random.nextInt(2) * 255);
            }
            ForgedPv.seal(edited);
            tryOpening(edited, b);
        }
        assertTrue(opened > EDITS / 50 && refused > EDITS / 10, opened + " opened, " + refused + " refused");
    }
}
