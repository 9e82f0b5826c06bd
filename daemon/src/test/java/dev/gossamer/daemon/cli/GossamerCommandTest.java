package dev.gossamer.daemon.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.daemon.server.ListenAddress;
import dev.gossamer.io.posix.DirectoryLock;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class GossamerCommandTest {
    @TempDir
    private Path directory;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... args) {
        return GossamerCommand.commandLine(args)
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(args);
    }

    @Test
    void wrongUsageIsExitCodeTwoWithAHint() {
        assertEquals(2, run("volume", "create", "--size", "1x", "vol0"));
        assertTrue(err.toString().contains("'1x' is no size"), err.toString());
        assertTrue(err.toString().contains("Try 'gossamer volume create --help'"), err.toString());
        assertEquals("", out.toString());
        assertEquals(2, run());
        assertEquals(2, run("volume"));
        assertEquals(2, run("frobnicate"));
    }

    @Test
    void whatIsNoNumberIsSaidWithoutJavasWords() {
        for (List<String> line :
                List.of(List.of("job", "resume", "x"), List.of("attach", "--request-timeout", "x", "v"))) {
            err.getBuffer().setLength(0);
            assertEquals(2, run(line.toArray(String[]::new)));
            assertTrue(err.toString().contains("'x' is not a whole number"), err.toString());
        }
    }

    @Test
    void withoutADaemonTheWayOutIsNamed() {
        assertEquals(0, run("pool", "create", directory.resolve("p").toString(), "--size", "1M", "--buffered"));
        assertEquals(9, run("volume", "list", "-p", directory.resolve("p").toString()));
        String pool = directory.resolve("p").toString();
        assertEquals(
                "gossamer: no daemon is serving " + pool + "; start it with: gossamer serve " + pool + "\n",
                err.toString());
    }

    @Test
    @SuppressWarnings("try") // The lock is held, not used.
    void aDirectoryThatAnotherHasIsExitCodeThree() throws IOException {
        try (var ignored = DirectoryLock.take(directory)) {
            for (String[] command : new String[][] {{"pool", "create"}, {"quickstart"}}) {
                List<String> line = new ArrayList<>(List.of(command));
                line.add(directory.toString());
                assertEquals(3, run(line.toArray(String[]::new)), err.toString());
                assertTrue(err.toString().contains("is in use by another process"), err.toString());
                assertEquals(1, err.toString().lines().count(), err.toString());
                err.getBuffer().setLength(0);
            }
        }
    }

    @Test
    void aDirectoryThatIsNoPoolIsSaidToBeNone() {
        assertEquals(8, run("status", "-p", directory.toString()));
        assertTrue(err.toString().contains("is no pool"), err.toString());
        assertEquals(1, err.toString().lines().count());
    }

    @Test
    void anAddressThatOthersReachNeedsToBeAllowed() {
        String pool = directory.resolve("p").toString();
        assertEquals(0, run("pool", "create", pool, "--size", "1M", "--buffered"));
        assertEquals(2, run("serve", pool, "--listen", "tcp:0.0.0.0:10809"));
        assertTrue(err.toString().contains("--allow-remote"), err.toString());
        err.getBuffer().setLength(0);
        assertEquals(2, run("serve", "-p", pool, "--metrics", "tcp:0.0.0.0:9911"));
        assertTrue(err.toString().contains("--allow-remote"), err.toString());
    }

    @Test
    void aCommandThatIsNamedIsReadAloneAndIsTheSame() {
        CommandLine all = GossamerCommand.commandLine();
        assertTrue(all.getSubcommands().size() >= 9, "all of them");
        all.getSubcommands().forEach((name, command) -> {
            CommandLine alone = GossamerCommand.commandLine(name, "--help");
            assertEquals(Set.of(name), alone.getSubcommands().keySet());
            assertEquals(
                    command.getUsageMessage(), alone.getSubcommands().get(name).getUsageMessage());
        });
        assertEquals(
                all.getUsageMessage(), GossamerCommand.commandLine("--help").getUsageMessage());
        assertEquals(0, run("serve", "--version"));
        assertTrue(out.toString().startsWith("gossamer "), out.toString());
    }

    @Test
    void everyCommandHasHelpWithAnExample() {
        assertHelp(GossamerCommand.commandLine());
    }

    private void assertHelp(CommandLine command) {
        String help = command.getUsageMessage();
        assertTrue(help.contains("gossamer " + (command.getParent() == null ? "quickstart" : "")), help);
        assertTrue(help.contains("Example") || help.contains("Try it"), help);
        command.getSubcommands().values().forEach(this::assertHelp);
    }

    @Test
    void theReadyLineIsOneLineOfFacts() {
        String line = ForegroundDaemon.readyLine(
                new PoolDirectory(Path.of("/p")),
                List.of(ListenAddress.parse("unix:/p/nbd.sock"), ListenAddress.parse("tcp:127.0.0.1:4")),
                false,
                "io_uring");
        assertEquals("ready pool=/p nbd+unix:///?socket=/p/nbd.sock tcp:127.0.0.1:4 engine=io_uring", line);
    }

    @Test
    void completionKnowsTheCommands() {
        assertEquals(0, run("completion"));
        assertTrue(out.toString().contains("quickstart"), "script");
        assertTrue(out.toString().contains("rollback"), "commands of commands");
    }

    @CommandLine.Command(name = "hungry")
    static final class Hungry implements Runnable {
        @Override
        public void run() {
            throw new OutOfMemoryError("Java heap space");
        }
    }

    @Test
    void withoutMemoryItEndsWithOneLine() {
        CommandLine hungry = new CommandLine(new Hungry()).setErr(new PrintWriter(err, true));
        assertEquals(1, GossamerCommand.run(hungry, new StandardOutput(System.out)));
        assertEquals(
                "gossamer: not enough memory: Java heap space; give the process more with"
                        + " GOSSAMER_JAVA_OPTS=-XmxSIZE\n",
                err.toString());
    }
}
