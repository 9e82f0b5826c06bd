package dev.gossamer.daemon.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** What all commands have in common, and what becomes of one that is mistyped. */
class CommandModelTest {
    /** They print no facts but lines as they come, or a script. */
    private static final Set<String> WITHOUT_JSON =
            Set.of("gossamer serve", "gossamer quickstart", "gossamer completion", "gossamer top");

    /** After these something is gone. */
    private static final Set<String> WITH_DRY_RUN = Set.of(
            "gossamer volume delete",
            "gossamer volume resize",
            "gossamer snapshot delete",
            "gossamer snapshot rollback",
            "gossamer cow delete",
            "gossamer cow merge",
            "gossamer dedupe");

    private static List<CommandLine> leaves() {
        List<CommandLine> leaves = new ArrayList<>();
        collect(GossamerCommand.commandLine(), leaves);
        // The offline tools have the manners of the programs that they replace.
        leaves.removeIf(leaf -> packageOf(leaf).endsWith(".tools"));
        assertTrue(leaves.size() > 20, "all of them");
        return leaves;
    }

    private static String packageOf(CommandLine command) {
        Object user = command.getCommandSpec().userObject();
        Class<?> type = user instanceof Method method ? method.getDeclaringClass() : user.getClass();
        return type.getPackageName();
    }

    private static void collect(CommandLine command, List<CommandLine> leaves) {
        if (command.getSubcommands().isEmpty()) {
            leaves.add(command);
        }
        command.getSubcommands().values().forEach(each -> collect(each, leaves));
    }

    /** Their names are written down twice, so that a start need not read the annotations of all of them. */
    @Test
    void aNameLeadsToTheCommandThatHasIt() {
        GossamerCommand.commands().forEach((name, command) -> {
            assertEquals(name, command.getAnnotation(CommandLine.Command.class).name());
            assertEquals(
                    Set.of(name),
                    GossamerCommand.commandLine(name).getSubcommands().keySet());
        });
        assertEquals(
                Set.of(),
                GossamerCommand.commandLine("--version").getSubcommands().keySet());
    }

    private static String name(CommandLine command) {
        return command.getCommandSpec().qualifiedName();
    }

    @Test
    void everyCommandThatTellsFactsTellsThemInJson() {
        for (CommandLine leaf : leaves()) {
            boolean has = leaf.getCommandSpec().optionsMap().containsKey("--json");
            assertEquals(!WITHOUT_JSON.contains(name(leaf)), has, name(leaf));
        }
    }

    @Test
    void whatIsGoneAfterwardsCanBeAskedForBefore() {
        for (CommandLine leaf : leaves()) {
            boolean has = leaf.getCommandSpec().optionsMap().containsKey("--dry-run");
            assertEquals(WITH_DRY_RUN.contains(name(leaf)), has, name(leaf));
            boolean takesAway = name(leaf).matches(".* (delete|rollback|merge|resize|dedupe)");
            assertEquals(takesAway, has, name(leaf));
        }
    }

    @Test
    void everyCommandTakesThePoolByOption() {
        for (CommandLine leaf : leaves()) {
            boolean aboutOne =
                    !Set.of("gossamer pool create", "gossamer pool adopt").contains(name(leaf));
            assertEquals(aboutOne, leaf.getCommandSpec().optionsMap().containsKey("-p"), name(leaf));
        }
    }

    @Test
    void examplesCanBeCopied() {
        for (CommandLine leaf : leaves()) {
            String help = leaf.getUsageMessage();
            for (String line : leaf.getCommandSpec().usageMessage().footer()) {
                assertTrue(help.contains(line.strip()), () -> name(leaf) + " wraps: " + line);
            }
            assertTrue(leaf.getCommandSpec().usageMessage().description().length > 0, name(leaf));
            String first = String.join(" ", leaf.getCommandSpec().usageMessage().description());
            assertTrue(first.strip().endsWith("."), () -> name(leaf) + " is described by no sentence: " + first);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "volme, did you mean volume?",
        "volume lst, did you mean list?",
        "volume lst --help, did you mean list?",
        "snapshot rolback, did you mean rollback?",
        "volume list --jsn, did you mean --json?",
        "stauts --help, did you mean status?"
    })
    void whatIsMistypedIsWrongUsageWithASuggestion(String line, String suggestion) {
        StringWriter err = new StringWriter();
        String[] args = line.split(" ", -1);
        int exitCode = GossamerCommand.commandLine(args)
                .setOut(new PrintWriter(new StringWriter()))
                .setErr(new PrintWriter(err, true))
                .execute(args);
        assertEquals(2, exitCode, err.toString());
        assertTrue(err.toString().contains(suggestion), err.toString());
        assertEquals(2, err.toString().lines().count(), err.toString());
    }

    @Test
    void whatIsNothingLikeACommandGetsNoSuggestion() {
        StringWriter err = new StringWriter();
        int exitCode = GossamerCommand.commandLine("frobnicate")
                .setErr(new PrintWriter(err, true))
                .execute("frobnicate");
        assertEquals(2, exitCode);
        assertFalse(err.toString().contains("did you mean"), err.toString());
    }
}
