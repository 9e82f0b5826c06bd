package dev.gossamer.daemon.cli;

import dev.gossamer.daemon.Version;
import dev.gossamer.daemon.admin.AdminClient;
import dev.gossamer.daemon.config.PoolConfig;
import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.io.Reason;
import dev.gossamer.io.posix.DirectoryLock;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code gossamer bundle}: what belongs to a report of an error, in one file. */
@Command(
        name = "bundle",
        description = {
            "Packs what belongs to a report of an error: configuration, what doctor finds, what the daemon tells, its",
            "log where journald has it. No data of volumes, no keys; names of volumes and clients are in it: look",
            "before you pass it on. Works as far as it can without a daemon."
        },
        footer = {
            "",
            "Examples:",
            "  gossamer bundle -p DIR -o report.zip",
            "  gossamer bundle -p DIR -o report.zip --metadata      the pool's metadata too, of a pool that is not"
                    + " served"
        })
final class BundleCommand implements Callable<Integer> {
    private static final String[] ANSWERS = {
        "/v1/status", "/v1/volumes", "/v1/connections", "/v1/capacity", "/v1/cow", "/v1/dm-status", "/metrics"
    };

    private static final int LOG_LINES = 5000;
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    @Spec
    private CommandSpec spec;

    @Mixin
    private DirectoryArgument directory;

    @Mixin
    private Output output;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            required = true,
            description = "Where to put it: a zip file that is not there yet.")
    private Path file;

    @Option(names = "--metadata", description = "Add the metadata file of a pool that is not being served.")
    private boolean metadata;

    @Override
    public Integer call() throws IOException {
        PoolDirectory pool = new PoolDirectory(directory.path(spec));
        // Not over a file that is there; and nobody else's to read.
        SeekableByteChannel made = Files.newByteChannel(
                file,
                Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        boolean done = false;
        try (ZipOutputStream zip = new ZipOutputStream(Channels.newOutputStream(made))) {
            pack(zip, pool);
            done = true;
        } finally {
            if (!done) {
                Files.deleteIfExists(file);
            }
        }
        output.done(spec, "packed", file.toString());
        return 0;
    }

    private void pack(ZipOutputStream zip, PoolDirectory pool) throws IOException {
        add(zip, "version.txt", Version.current() + "\n" + Runtime.version() + "\n");
        add(
                zip,
                "doctor.json",
                DoctorCommand.json(DoctorCommand.findings(pool, true)).toPrettyString());
        for (Path config : new Path[] {pool.config(), pool.clients(), pool.cow()}) {
            addFile(zip, config);
        }
        for (String path : ANSWERS) {
            add(zip, "daemon" + path.replace('/', '-') + ".txt", answer(pool, path));
        }
        add(zip, "log.txt", log(pool));
        if (metadata) {
            addMetadata(zip, pool);
        }
    }

    private static void add(ZipOutputStream zip, String name, String text) throws IOException {
        zip.putNextEntry(new ZipEntry(name));
        zip.write(text.getBytes(StandardCharsets.UTF_8));
        zip.closeEntry();
    }

    private static void addFile(ZipOutputStream zip, Path path) throws IOException {
        String text;
        try {
            text = Files.readString(path);
        } catch (IOException e) {
            text = "# " + Reason.of(e) + "\n";
        }
        add(zip, path.getFileName().toString(), text);
    }

    private static String answer(PoolDirectory pool, String path) {
        try {
            return new AdminClient(pool.adminSocket(), PATIENCE)
                    .send("GET", path, "")
                    .body();
        } catch (IOException e) {
            return "the daemon was not reached: " + Reason.of(e) + "\n";
        }
    }

    /** Of the unit that serves this directory, by the name that systemd-escape gives it. */
    private static String log(PoolDirectory pool) {
        String unit = "gossamer@"
                + pool.path().toString().substring(1).replace("-", "\\x2d").replace('/', '-') + ".service";
        try {
            Process journal = new ProcessBuilder(
                            "journalctl", "-n", Integer.toString(LOG_LINES), "-o", "short-iso", "-u", unit)
                    .redirectErrorStream(true)
                    .redirectInput(Path.of("/dev/null").toFile())
                    .start();
            String text;
            try (InputStream out = journal.getInputStream()) {
                text = new String(out.readAllBytes(), StandardCharsets.UTF_8);
            }
            if (!journal.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                journal.destroyForcibly();
            }
            return text;
        } catch (IOException e) {
            return "no log: " + Reason.of(e) + "; add what serve has written to standard error\n";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "no log: interrupted\n";
        }
    }

    /** Read while somebody writes it, it would be a mixture of two states. */
    @SuppressWarnings("try") // The lock is held, not used.
    private static void addMetadata(ZipOutputStream zip, PoolDirectory pool) throws IOException {
        try (var ignored = DirectoryLock.take(pool.path())) {
            Path metadata = pool.resolve(PoolConfig.read(pool.config()).metadata());
            zip.putNextEntry(new ZipEntry("metadata.bin"));
            Files.copy(metadata, zip);
            zip.closeEntry();
        }
    }
}
