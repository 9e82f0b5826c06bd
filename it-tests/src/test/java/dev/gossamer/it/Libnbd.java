package dev.gossamer.it;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Runs what nbdsh runs: Python with libnbd, the system's own. The test fails if the script does. */
final class Libnbd {
    /** A handle without libnbd's own checks, and the error number of a call, 0 for success. */
    private static final String PRELUDE =
            """
            import nbd, sys
            uris = sys.argv[1:]
            def opened(uri, strict=True, contexts=()):
                h = nbd.NBD()
                if not strict:
                    h.set_strict_mode(0)
                for context in contexts:
                    h.add_meta_context(context)
                h.connect_uri(uri)
                return h
            def error(call, *arguments):
                try:
                    call(*arguments)
                    return 0
                except nbd.Error as e:
                    return e.errnum
            """;

    private Libnbd() {}

    /** @param uris what the script finds as {@code uris} */
    static String run(String script, String... uris) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("/usr/bin/python3", "-c", PRELUDE + script));
        command.addAll(List.of(uris));
        return Tool.run(Tool.LIMIT, command).expectStatus(0).out();
    }
}
