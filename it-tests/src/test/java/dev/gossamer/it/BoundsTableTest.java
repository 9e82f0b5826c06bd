package dev.gossamer.it;

import java.io.IOException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** {@code ARCHITECTURE.md}, "Bounds": the table has no empty cell, and every row has tests that exist. */
final class BoundsTableTest {
    private ArchitectureTable table;

    @BeforeEach
    void read() throws IOException {
        table = new ArchitectureTable("## Bounds", "## When something fails");
    }

    @Test
    void everyRowHasAllItsCellsAndAProof() {
        table.assertEveryRowHasAllItsCellsAndAProof(23);
    }

    @Test
    void everyTestThatIsNamedExists() throws IOException {
        table.assertEveryTestThatIsNamedExists();
    }

    @Test
    void whoCountsIsAClassOfOurs() throws IOException {
        table.assertTypesExistInCell(3);
    }
}
