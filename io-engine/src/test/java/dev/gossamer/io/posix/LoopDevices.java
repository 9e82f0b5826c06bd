package dev.gossamer.io.posix;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Block devices made of files. Where the machine does not allow that, or has no driver for them, the test is skipped
 * before it has begun; whatever else goes wrong fails it.
 */
public final class LoopDevices {
    private LoopDevices() {}

    /** With sectors of 4 KiB. */
    public static Path attach(Path file) throws Exception {
        Path driver = Path.of("/dev/loop-control");
        assumeTrue(Files.exists(driver), "no driver for loop devices");
        assumeTrue(Files.isWritable(driver), "not allowed to make loop devices");
        Process process = losetup("--find", "--show", "--sector-size", "4096", file.toString());
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        boolean done = process.waitFor() == 0;
        assumeTrue(done || !isNotAllowed(output), output);
        assertTrue(done, output);
        return Path.of(output.trim());
    }

    /** Whether that is why {@code losetup} has failed. */
    static boolean isNotAllowed(String output) {
        return output.contains("Permission denied") || output.contains("Operation not permitted");
    }

    /** Whether that works is no matter for the test: what it found stays what it found. */
    public static void detach(Path loopDevice) throws Exception {
        losetup("--detach", loopDevice.toString()).waitFor();
    }

    /** Reads that the device has done since it was made, as the system counts them. */
    public static long reads(Path loopDevice) throws Exception {
        Path counts = Path.of("/sys/block").resolve(loopDevice.getFileName()).resolve("stat");
        String text = Files.readString(counts).trim();
        return Long.parseLong(text.substring(0, text.indexOf(' ')));
    }

    /** What a file takes on its own file system. */
    static long allocatedBytes(Path file) throws Exception {
        Process stat = new ProcessBuilder("stat", "--format=%b", file.toString()).start();
        return 512 * Long.parseLong(new String(stat.getInputStream().readAllBytes(), StandardCharsets.UTF_8).trim());
    }

    private static Process losetup(String... arguments) throws Exception {
        String[] command = new String[arguments.length + 1];
        command[0] = "losetup";
        System.arraycopy(arguments, 0, command, 1, arguments.length);
        return new ProcessBuilder(command).redirectErrorStream(true).start();
    }
}
