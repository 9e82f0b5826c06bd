package dev.gossamer.it.sim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** {@code it-tests/simulate} as a person calls it, on what has been built. */
@Timeout(value = 15, unit = TimeUnit.MINUTES) // seconds of work, on a machine that may have other work
final class SimulateScriptTest {
    private static final String BROKEN = "34-answers-write-at-once";

    private record Run(int exit, String output) {}

    private static Run simulate(String... words) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("gossamer.root"), "it-tests", "simulate")
                .toString());
        command.addAll(List.of(words));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Run(process.waitFor(), output);
    }

    @Test
    void itTellsSeedsForAsLongAsItIsTold() throws IOException, InterruptedException {
        Run run = simulate("--minutes", "0.02", "--ops", "60");
        assertEquals(0, run.exit, run.output);
        assertTrue(run.output.contains(" 0 findings"), run.output);
        assertTrue(run.output.contains("| fault | under way | times |"), run.output);
    }

    @Test
    void aBrokenRuleIsFoundMadeSmallAndFoundAgainByTheLineThatIsPrinted() throws IOException, InterruptedException {
        Run run = simulate("--break", BROKEN, "--seed", "1", "--ops", "60");
        assertEquals(1, run.exit, run.output);
        Matcher replay = Pattern.compile("replay: it-tests/simulate (.*)").matcher(run.output);
        assertTrue(replay.find(), run.output);
        assertTrue(replay.group(1).endsWith(" --break " + BROKEN), run.output);
        int kept = replay.group(1).replaceAll(".*--keep (\\S+).*", "$1").split(",", -1).length;
        assertTrue(kept < 20, run.output);
        Run again = simulate(replay.group(1).split(" ", -1));
        assertEquals(1, again.exit, again.output);
    }

    @Test
    void mutationsAreHunted() throws IOException, InterruptedException {
        Run run = simulate("--mutate", BROKEN, "--seeds", "5");
        assertEquals(0, run.exit, run.output);
        assertTrue(run.output.contains("| " + BROKEN + " | "), run.output);
        assertFalse(run.output.contains("nobody"), run.output);
    }

    @Test
    void whatIsWrongWithTheCommandLineIsSaid() throws IOException, InterruptedException {
        Run unknown = simulate("--break", "nothing");
        assertEquals(2, unknown.exit);
        assertTrue(unknown.output.contains("has no nothing"), unknown.output);
        Run word = simulate("--frobnicate");
        assertEquals(2, word.exit);
        assertTrue(word.output.contains("--frobnicate is not known"), word.output);
    }
}
