package dev.gossamer.daemon.cli;

import dev.gossamer.daemon.Daemon;
import dev.gossamer.daemon.PoolCreation;
import dev.gossamer.daemon.config.DaemonConfig;
import dev.gossamer.daemon.config.PoolConfig;
import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.daemon.server.access.TlsSettings;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.ring.IoEngineChoice;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A daemon in this process with an empty pool of 64 MiB, and commands that are given to it. */
abstract class CommandsFixture {
    @TempDir
    Path directory;

    PoolDirectory pool;

    /** What the last command has printed. */
    String out;

    /** What it has said was wrong. */
    String err;

    private Daemon daemon;

    @BeforeEach
    void serveANewPool() throws StorageException {
        pool = new PoolDirectory(directory.resolve("pool"));
        PoolCreation.createInFiles(pool, 64 << 20, 64 << 10, true);
        daemon = Daemon.start(new DaemonConfig(
                pool, PoolConfig.read(pool.config()), List.of(), IoEngineChoice.THREADS, 1, TlsSettings.OFF));
    }

    @AfterEach
    void stop() throws StorageException {
        Daemon served = daemon;
        daemon = null;
        if (served != null) {
            served.stop();
        }
    }

    /** Words with one space between; the pool is added. Returns the exit code. */
    int run(String line) {
        StringWriter stdout = new StringWriter();
        StringWriter stderr = new StringWriter();
        List<String> args = new ArrayList<>(List.of(line.split(" ", -1)));
        args.addAll(List.of("-p", pool.toString()));
        String[] array = args.toArray(String[]::new);
        int code = GossamerCommand.commandLine(array)
                .setOut(new PrintWriter(stdout, true))
                .setErr(new PrintWriter(stderr, true))
                .execute(array);
        out = stdout.toString();
        err = stderr.toString();
        return code;
    }
}
