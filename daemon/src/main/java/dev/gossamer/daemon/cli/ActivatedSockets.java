package dev.gossamer.daemon.cli;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.nbd.wire.NbdText;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/** Descriptors that a service manager passed to this process, sd_listen_fds(3): X3. */
final class ActivatedSockets {
    /** After standard input, output and error. */
    private static final int FIRST = 3;

    /** systemd passes a handful; anything near this is a mistake. */
    private static final int LIMIT = 1000;

    private ActivatedSockets() {}

    private static final Pattern NUMBER = Pattern.compile("[1-9][0-9]{0,9}");

    /**
     * Empty if none were passed, or if they are meant for another process. Whoever set these and made a mistake wants
     * sockets served: that is told, and not taken for none.
     */
    static List<Integer> descriptors(Map<String, String> environment, long pid) throws StorageException {
        String process = environment.get("LISTEN_PID");
        if (process == null) {
            return List.of();
        }
        if (!NUMBER.matcher(process).matches()) {
            throw wrong("LISTEN_PID", process, "the process id of whom the sockets are for");
        }
        if (Long.parseLong(process) != pid || !environment.containsKey("LISTEN_FDS")) {
            return List.of();
        }
        String count = environment.get("LISTEN_FDS");
        if (!NUMBER.matcher(count).matches() || Long.parseLong(count) > LIMIT) {
            throw wrong("LISTEN_FDS", count, "the number of passed sockets, 1 to " + LIMIT);
        }
        int sockets = Integer.parseInt(count);
        String names = environment.get("LISTEN_FDNAMES");
        if (names != null && names.split(":", -1).length != sockets) {
            throw wrong("LISTEN_FDNAMES", names, "a name for each of " + sockets + ", with colons between");
        }
        return IntStream.range(FIRST, FIRST + sockets).boxed().toList();
    }

    private static StorageException wrong(String variable, String value, String right) {
        return new StorageException(
                Errno.EINVAL,
                variable + " is '" + NbdText.echo(value) + "'; it must be " + right + ", as systemd sets it");
    }
}
