package dev.gossamer.it;

import java.io.IOException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** {@code ARCHITECTURE.md}, "When something fails": the table has no empty cell, and every row has tests that exist. */
final class FaultTableTest {
    private ArchitectureTable table;

    @BeforeEach
    void read() throws IOException {
        table = new ArchitectureTable("## When something fails", "## Invariants");
    }

    @Test
    void everyRowHasAllItsCellsAndAProof() {
        table.assertEveryRowHasAllItsCellsAndAProof(35);
    }

    @Test
    void everyTestThatIsNamedExists() throws IOException {
        table.assertEveryTestThatIsNamedExists();
    }

    @Test
    void whoNoticesIsAClassOfOurs() throws IOException {
        table.assertTypesExistInCell(1);
    }
}
