package dev.gossamer.daemon.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class TextTableTest {
    @Test
    void columnsLineUpAndNumbersEndTogether() {
        TextTable table = new TextTable("NAME", ">SIZE", "ORIGIN");
        table.row("vol0", "100G", "-");
        table.row("before-upgrade", "64k", "vol0");
        assertEquals(
                """
                NAME            SIZE  ORIGIN
                vol0            100G  -
                before-upgrade   64k  vol0
                """,
                table.render());
    }

    @Test
    void aRowOfAnotherWidthIsAMistake() {
        assertThrows(IllegalArgumentException.class, () -> new TextTable("A", "B").row("1"));
    }
}
