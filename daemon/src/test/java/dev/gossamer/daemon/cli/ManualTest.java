package dev.gossamer.daemon.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gossamer.daemon.cli.manual.Completions;
import dev.gossamer.daemon.cli.manual.ManualPages;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Manual pages and completions say what the commands say. */
class ManualTest {
    @TempDir
    private Path directory;

    private static String run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String text = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertEquals(0, process.waitFor(), text);
        return text;
    }

    /** What bash offers behind these words, the last of which is being typed. */
    private String completed(String... words) throws IOException, InterruptedException {
        Path script = directory.resolve("completion.sh");
        String quoted = String.join("' '", words);
        Files.writeString(
                script,
                Completions.bash(GossamerCommand.commandLine())
                        + """
                        gossamer() { [ "$*" = "completion --names -p /pool" ] && echo web web-monday db; }
                        COMP_WORDS=('gossamer' '%s'); COMP_CWORD=%d
                        _gossamer
                        echo "${COMPREPLY[@]}"
                        """
                                .formatted(quoted, words.length));
        return run("bash", script.toString()).strip();
    }

    @Test
    void bashCompletesCommandsOptionsAndNames() throws Exception {
        assertEquals("volume", completed("vol"));
        assertEquals("delete", completed("volume", "del"));
        assertEquals("--force", completed("volume", "delete", "--fo"));
        assertEquals("web web-monday", completed("volume", "delete", "-p", "/pool", "we"));
        assertEquals("db", completed("attach", "-p", "/pool", "d"));
        assertEquals("web-monday", completed("snapshot", "rollback", "-p", "/pool", "web", "web-"));
        assertEquals("", completed("volume", "create", "-p", "/pool", "we"), "a new name is nobody's");
    }

    @Test
    void fishHasEveryCommandAndEveryOption() {
        String script = Completions.fish(GossamerCommand.commandLine());
        assertTrue(script.contains("-n '__fish_use_subcommand' -f -a volume "), script);
        assertTrue(script.contains("-l on-full "), script);
        assertTrue(script.contains("completion --names"), script);
        for (String line : script.lines().skip(1).toList()) {
            assertTrue(line.startsWith("complete -c gossamer -n '"), line);
            assertEquals(
                    0, line.replace("\\'", "").chars().filter(c -> c == '\'').count() % 2, line);
        }
    }

    @Test
    void everyCommandHasAPageWithAllItsOptions() {
        Map<String, String> pages = ManualPages.of(GossamerCommand.commandLine(), "1");
        for (var command : GossamerCommand.commandLine().getSubcommands().entrySet()) {
            String page = pages.get("gossamer-" + command.getKey() + ".1");
            for (var option : command.getValue().getCommandSpec().options()) {
                String name = option.longestName().replace("-", "\\-");
                assertTrue(
                        option.hidden() || !command.getValue().getSubcommands().isEmpty() || page.contains(name), name);
            }
        }
        assertTrue(pages.get("gossamer-volume.1").contains(".SS rename\n"), "commands of commands");
        assertTrue(pages.get("gossamer.1").contains(".SH EXIT STATUS\n.TP\n.B 0\n"), "exit codes");
    }

    @Test
    void theFormatterHasNothingToComplainOf() throws Exception {
        Path groff = Path.of("/usr/bin/groff");
        assumeTrue(Files.isExecutable(groff), "groff, which formats manual pages, is not here");
        for (Map.Entry<String, String> page :
                ManualPages.of(GossamerCommand.commandLine(), "1").entrySet()) {
            Path file = directory.resolve(page.getKey());
            Files.writeString(file, page.getValue());
            Path out = directory.resolve("out");
            String said = run("sh", "-c", "groff -man -Tutf8 -ww '" + file + "' 2>&1 >'" + out + "'");
            assertEquals("", said, page.getKey());
            // Bold letters are struck twice.
            assertTrue(Files.readString(out).replaceAll(".\b", "").contains("SYNOPSIS"), page.getKey());
        }
    }
}
