package dev.gossamer.thin.offline;

import java.io.PrintWriter;
import java.util.Locale;

/** Writes ranges that differ: the XML of thin_delta (OT-15), JSON, or lines for scripts. */
public final class DeltaPrinter implements PoolDelta.Ranges {
    private final PrintWriter out;
    private final String format;
    private final boolean verbose;
    private final long blockBytes;
    private PoolDelta.Kind open;
    private boolean first = true;

    /** @param format xml, json or csv */
    public DeltaPrinter(PrintWriter out, String format, boolean verbose, long blockBytes) {
        this.out = out;
        this.format = format;
        this.verbose = verbose;
        this.blockBytes = blockBytes;
    }

    /**
     * Before the first range.
     *
     * @param heldRoot of the metadata snapshot; 0: there is none, or it is not told
     * @param left the attribute that names the left device; {@code right} likewise
     */
    public void begin(PoolSink.Pool pool, long heldRoot, String left, String right) {
        switch (format) {
            case "csv" -> line("kind,begin,length,left_data,right_data");
            case "json" -> out.print(
                    "{" + json(left) + ", " + json(right) + ", \"blockBytes\": " + blockBytes + ",\n \"ranges\": [");
            default -> {
                line("<superblock uuid=\"\" time=\"" + pool.time() + "\" transaction=\""
                        + Long.toUnsignedString(pool.transactionId()) + "\" data_block_size=\""
                        + pool.dataBlockSectors() + "\" nr_data_blocks=\"" + Long.toUnsignedString(pool.dataBlocks())
                        + (heldRoot == 0 ? "" : "\" metadata_snap=\"" + heldRoot) + "\">");
                line("  <diff " + left + " " + right + ">");
            }
        }
    }

    private static String json(String attribute) {
        int equals = attribute.indexOf('=');
        return "\"" + attribute.substring(0, equals) + "\": "
                + attribute.substring(equals + 1).replace("\"", "");
    }

    @Override
    public void range(PoolDelta.Kind kind, long begin, long length, long leftData, long rightData) {
        switch (format) {
            case "csv" -> csv(kind, begin, length, leftData, rightData);
            case "json" -> json(kind, begin, length, leftData, rightData);
            default -> {
                if (verbose) {
                    verbose(kind, begin, length, leftData, rightData);
                } else {
                    line("    <" + tag(kind) + " begin=\"" + Long.toUnsignedString(begin) + "\" length=\"" + length
                            + "\"/>");
                }
            }
        }
    }

    private void verbose(PoolDelta.Kind kind, long begin, long length, long leftData, long rightData) {
        if (kind != open) {
            closeTag();
            line("    <" + tag(kind) + ">");
            open = kind;
        }
        String data = kind == PoolDelta.Kind.DIFFERENT
                ? "\" left_data_begin=\"" + leftData + "\" right_data_begin=\"" + rightData
                : "\" data_begin=\"" + (kind == PoolDelta.Kind.RIGHT_ONLY ? rightData : leftData);
        line("      <range begin=\"" + Long.toUnsignedString(begin) + data + "\" length=\"" + length + "\"/>");
    }

    private void closeTag() {
        if (open != null) {
            line("    </" + tag(open) + ">");
        }
    }

    private void csv(PoolDelta.Kind kind, long begin, long length, long leftData, long rightData) {
        line(tag(kind) + "," + begin * blockBytes + "," + length * blockBytes + ","
                + (kind == PoolDelta.Kind.RIGHT_ONLY ? "" : leftData * blockBytes) + ","
                + (kind == PoolDelta.Kind.LEFT_ONLY ? "" : rightData * blockBytes));
    }

    private void json(PoolDelta.Kind kind, long begin, long length, long leftData, long rightData) {
        out.print((first ? "\n" : ",\n") + "  {\"kind\": \"" + tag(kind) + "\", \"begin\": "
                + Long.toUnsignedString(begin) + ", \"length\": " + length
                + (kind == PoolDelta.Kind.RIGHT_ONLY ? "" : ", \"leftData\": " + leftData)
                + (kind == PoolDelta.Kind.LEFT_ONLY ? "" : ", \"rightData\": " + rightData) + "}");
        first = false;
    }

    /** After the last range. */
    public void end(boolean lineEnd) {
        switch (format) {
            case "csv" -> {}
            case "json" -> line("\n ]}");
            default -> {
                closeTag();
                line("  </diff>");
                out.print("</superblock>" + (lineEnd ? "\n" : ""));
            }
        }
    }

    private static String tag(PoolDelta.Kind kind) {
        return kind.name().toLowerCase(Locale.ROOT);
    }

    private void line(String text) {
        out.print(text);
        out.print('\n');
    }
}
