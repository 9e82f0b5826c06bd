package dev.gossamer.daemon.cli;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Descriptors that a service manager passed to this process, sd_listen_fds(3): X3. */
final class ActivatedSockets {
    /** After standard input, output and error. */
    private static final int FIRST = 3;

    /** systemd passes a handful; anything near this is a mistake. */
    private static final int LIMIT = 1000;

    private ActivatedSockets() {}

    /** Empty if none were passed, or if they are meant for another process. */
    static List<Integer> descriptors(Map<String, String> environment, long pid) throws StorageException {
        if (!Long.toString(pid).equals(environment.get("LISTEN_PID"))) {
            return List.of();
        }
        String count = environment.getOrDefault("LISTEN_FDS", "0");
        if (!count.matches("[0-9]{1,4}") || Integer.parseInt(count) > LIMIT) {
            throw new StorageException(
                    Errno.EINVAL,
                    "LISTEN_FDS is '" + count + "'; it must be the number of passed sockets, as systemd sets it");
        }
        return IntStream.range(FIRST, FIRST + Integer.parseInt(count)).boxed().toList();
    }
}
