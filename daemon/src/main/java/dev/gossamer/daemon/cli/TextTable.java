package dev.gossamer.daemon.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Rows of text in aligned columns, two spaces apart. Columns of numbers are aligned to the right. A cell is in one row,
 * whatever is in it.
 */
final class TextTable {
    private final List<String> header;
    private final boolean[] rightAligned;
    private final List<List<String>> rows = new ArrayList<>();

    /** A title that begins with {@code >} makes its column right-aligned. */
    TextTable(String... titles) {
        rightAligned = new boolean[titles.length];
        List<String> names = new ArrayList<>();
        for (int i = 0; i < titles.length; i++) {
            rightAligned[i] = titles[i].startsWith(">");
            names.add(rightAligned[i] ? titles[i].substring(1) : titles[i]);
        }
        header = List.copyOf(names);
    }

    void row(String... cells) {
        if (cells.length != header.size()) {
            throw new IllegalArgumentException("row has " + cells.length + " cells, the table " + header.size());
        }
        rows.add(Arrays.stream(cells).map(StandardError::oneLine).toList());
    }

    String render() {
        int[] widths = new int[header.size()];
        widen(widths, header);
        rows.forEach(row -> widen(widths, row));
        StringBuilder text = new StringBuilder();
        append(text, widths, header);
        rows.forEach(row -> append(text, widths, row));
        return text.toString();
    }

    private static void widen(int[] widths, List<String> cells) {
        for (int i = 0; i < widths.length; i++) {
            widths[i] = Math.max(widths[i], cells.get(i).length());
        }
    }

    private void append(StringBuilder text, int[] widths, List<String> cells) {
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < widths.length; i++) {
            String padding = " ".repeat(widths[i] - cells.get(i).length());
            line.append(rightAligned[i] ? padding + cells.get(i) : cells.get(i) + padding)
                    .append("  ");
        }
        text.append(line.toString().stripTrailing()).append('\n');
    }
}
