package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gossamer.daemon.admin.FailureKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What README.md promises to scripts is what the program does. */
final class ReadmeTest {
    @Test
    void theTableOfExitCodesIsThatOfTheProgram() throws IOException {
        List<String> written = Files.readAllLines(Path.of(System.getProperty("gossamer.root"), "README.md")).stream()
                .dropWhile(line -> !line.startsWith("| code | kind |"))
                .skip(2)
                .takeWhile(line -> line.startsWith("|"))
                .toList();
        List<String> expected = Stream.concat(
                        Stream.of("| 0 | | done |"),
                        Arrays.stream(FailureKind.values())
                                .map(kind ->
                                        "| " + kind.exitCode() + " | " + kind.word() + " | " + kind.meaning() + " |"))
                .toList();
        assertEquals(String.join("\n", expected), String.join("\n", written));
    }
}
