package dev.gossamer.io.posix;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Finds who holds a lock, for an error message. A line of /proc/locks:
 *
 * <pre>
 *   3: FLOCK  ADVISORY  WRITE 2411 fd:01:1835021 0 EOF
 *                             pid  device in hexadecimal, inode
 * </pre>
 */
final class LockHolder {
    private LockHolder() {}

    /** {@code " (process 2411)"}, or nothing when it cannot be found out. */
    static String describe(long inode) {
        try {
            return describe(Files.readAllLines(Path.of("/proc/locks")), inode);
        } catch (IOException e) {
            return ""; // the message is good enough without
        }
    }

    static String describe(List<String> locks, long inode) {
        for (String line : locks) {
            String[] words = line.trim().split("\\s+", -1);
            // The file system's number in the line can differ from stat's (btrfs), so the inode has to do.
            if (words.length >= 6 && words[1].equals("FLOCK") && words[5].endsWith(":" + inode)) {
                long pid = Long.parseLong(words[4]);
                return pid > 0 ? " (process " + pid + ")" : "";
            }
        }
        return "";
    }
}
