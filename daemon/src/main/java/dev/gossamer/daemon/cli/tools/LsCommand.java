package dev.gossamer.daemon.cli.tools;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.offline.Compat;
import dev.gossamer.thin.offline.ExclusiveBlocks;
import dev.gossamer.thin.offline.HighestBlock;
import dev.gossamer.thin.offline.PoolDump;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code gossamer ls}, {@code thin_ls}. */
@Command(
        name = "ls",
        description = {
            "Lists the devices of a pool.",
            "EXCLUSIVE is what a device alone has, SHARED what others have too. Both cost a look at all mappings."
        },
        footer = {
            "",
            "Examples:",
            "  gossamer ls DIR",
            "  gossamer ls -o DEV,MAPPED,EXCLUSIVE,SHARED --no-headers /dev/vg/pool_tmeta"
        })
public final class LsCommand extends MetadataTool {
    private static final String DEFAULT_FIELDS = "DEV,MAPPED,CREATE_TIME,SNAP_TIME";
    private static final String NO_NAME = "-";
    private static final long UNIT_LIMIT = 8192;
    private static final String[] UNITS = {"b", "KiB", "MiB", "GiB", "TiB", "PiB"};
    private static final int SECTOR_BYTES = 512;

    @Option(
            names = {"-o", "--format"},
            paramLabel = "FIELDS",
            description = {
                "Fields, with commas between; default " + DEFAULT_FIELDS
                        + ", and NAME where names are known: of a pool directory, a pool of LVM, or with --data."
                        + " DEV; NAME; MAPPED, EXCLUSIVE, SHARED, and each"
                        + " of them with _BLOCKS, _SECTORS, _BYTES; TRANSACTION, CREATE_TIME, SNAP_TIME;"
                        + " HIGHEST_BLOCK, HIGHEST_SECTOR, HIGHEST_BYTE, HIGHEST_MAPPED."
            })
    private String format;

    @Option(names = "--no-headers", description = "Without the first line.")
    private boolean noHeaders;

    @Option(names = "--json", description = "Print JSON: sizes in bytes.")
    private boolean json;

    @Option(
            names = "--data",
            paramLabel = "DEVICE",
            description = "The pool's data device, for names; not needed for a pool directory or a pool of LVM's.")
    private String data;

    private List<LsField> fields;
    /** By device id; null: nobody knows. */
    private Map<Long, String> names;

    /**
     * A device and its counts.
     *
     * @param highest -1: nothing is mapped
     */
    private record Line(PoolDump.Tree tree, long exclusive, long highest) {
        long mapped() {
            return tree.device().mappedBlocks();
        }

        long shared() {
            return mapped() - exclusive;
        }
    }

    @Override
    void checkUsage() {
        fields = new ArrayList<>();
        for (String name : (format == null ? DEFAULT_FIELDS : format).split(",", -1)) {
            LsField field = LsField.of(name);
            if (field == null
                    || (field.isOurs() && compat() != Compat.NONE)
                    || (compat() == Compat.V0_9 && field.needsHighest())) {
                throw wrongUsage("unknown field '" + name + "'; there are "
                        + Arrays.stream(LsField.values()).map(LsField::name).collect(Collectors.joining(", ")));
            }
            fields.add(field);
        }
    }

    @Override
    int run(View view) throws IOException {
        boolean exclusive = json || fields.stream().anyMatch(LsField::needsExclusive);
        boolean highest = json || fields.stream().anyMatch(LsField::needsHighest);
        List<PoolDump.Tree> devices = view.devices();
        findNames(view, devices);
        List<Long> roots = devices.stream().map(PoolDump.Tree::root).toList();
        long[] own = exclusive
                ? ExclusiveBlocks.count(view.source().feed(), view.countableDataBlocks(), roots)
                : new long[devices.size()];
        List<Line> lines = new ArrayList<>();
        for (int i = 0; i < own.length; i++) {
            long last = highest ? HighestBlock.of(view.source().feed(), roots.get(i)) : -1;
            // To version 1 an empty device ends behind its first block.
            last = compat() == Compat.V1 && !json ? Math.max(0, last) : last;
            lines.add(new Line(devices.get(i), own[i], last));
        }
        if (json) {
            out().println(json(lines, view.blockBytes()).toPrettyString());
        } else {
            print(lines, view.blockBytes());
        }
        out().flush();
        return ToolExit.DONE;
    }

    private void findNames(View view, List<PoolDump.Tree> devices) throws IOException {
        boolean asked = fields.contains(LsField.NAME);
        if (compat() != Compat.NONE || !(asked || json || format == null) || !(asked || view.hasNames(data))) {
            return;
        }
        try {
            names = view.names(data, devices);
        } catch (StorageException e) {
            if (asked) {
                throw e;
            }
            say("names are not known: " + e.getMessage());
        }
        if (format == null && names != null) {
            fields.add(LsField.NAME);
        }
    }

    private String name(Line line) {
        String name = names == null ? null : names.get(line.tree().device().id());
        return name == null || name.isEmpty() ? NO_NAME : printable(name);
    }

    private void print(List<Line> lines, long blockBytes) {
        List<List<String>> rows = new ArrayList<>();
        if (!noHeaders) {
            rows.add(fields.stream().map(LsField::name).toList());
        }
        for (Line line : lines) {
            rows.add(fields.stream().map(field -> cell(field, line, blockBytes)).toList());
        }
        for (List<String> row : rows) {
            StringBuilder text = new StringBuilder();
            for (int column = 0; column < row.size(); column++) {
                int at = column;
                int width = rows.stream()
                        .mapToInt(each -> each.get(at).length())
                        .max()
                        .orElse(0);
                text.append(" ".repeat(width - row.get(column).length()))
                        .append(row.get(column))
                        .append(' ');
            }
            out().print(text.append('\n'));
        }
    }

    private String cell(LsField field, Line line, long blockBytes) {
        PoolDump.Tree tree = line.tree();
        long sectors = blockBytes / SECTOR_BYTES;
        if (field.needsHighest() && line.highest() < 0) {
            return field == LsField.HIGHEST_MAPPED ? "0b" : "-";
        }
        return switch (field) {
            case DEV -> Long.toUnsignedString(tree.device().id());
            case NAME -> name(line);
            case MAPPED_BLOCKS -> number(line.mapped());
            case EXCLUSIVE_BLOCKS -> number(line.exclusive());
            case SHARED_BLOCKS -> number(line.shared());
            case MAPPED_SECTORS -> number(line.mapped() * sectors);
            case EXCLUSIVE_SECTORS -> number(line.exclusive() * sectors);
            case SHARED_SECTORS -> number(line.shared() * sectors);
            case MAPPED_BYTES -> number(line.mapped() * blockBytes);
            case EXCLUSIVE_BYTES -> number(line.exclusive() * blockBytes);
            case SHARED_BYTES -> number(line.shared() * blockBytes);
            case MAPPED -> size(line.mapped() * blockBytes);
            case EXCLUSIVE -> size(line.exclusive() * blockBytes);
            case SHARED -> size(line.shared() * blockBytes);
            case TRANSACTION -> number(tree.device().transactionId());
            case CREATE_TIME -> number(tree.device().creationTime());
            case SNAP_TIME -> number(tree.device().snapshottedTime());
            case HIGHEST_BLOCK -> number(line.highest());
            case HIGHEST_SECTOR -> number((line.highest() + 1) * sectors - 1);
            case HIGHEST_BYTE -> number((line.highest() + 1) * blockBytes - 1);
            case HIGHEST_MAPPED -> size((line.highest() + 1) * blockBytes - 1);
        };
    }

    private static String number(long value) {
        return Long.toUnsignedString(value);
    }

    /** The smallest unit with a value of at most 8192; the last step to it rounds what is below 1024. */
    private String size(long bytes) {
        long value = bytes;
        long before = bytes;
        int unit = 0;
        while (value > UNIT_LIMIT && unit + 1 < UNITS.length) {
            before = value;
            value /= 1024;
            unit++;
        }
        value = unit == 0 || value >= 1024 ? value : (before + 512) / 1024;
        String name = compat() == Compat.V1 && unit == 4 ? "Tib" : UNITS[unit];
        return value == 0 && compat() == Compat.V0_9 ? "0" : value + name;
    }

    private ArrayNode json(List<Line> lines, long blockBytes) {
        ArrayNode array = JsonNodeFactory.instance.arrayNode();
        for (Line line : lines) {
            ObjectNode device = array.addObject()
                    .put("id", line.tree().device().id())
                    .put(
                            "name",
                            names == null
                                    ? null
                                    : names.get(line.tree().device().id()))
                    .put("mappedBytes", line.mapped() * blockBytes)
                    .put("exclusiveBytes", line.exclusive() * blockBytes)
                    .put("sharedBytes", line.shared() * blockBytes)
                    .put("transactionId", line.tree().device().transactionId())
                    .put("createTime", line.tree().device().creationTime())
                    .put("snapTime", line.tree().device().snapshottedTime());
            device.put("mappedEndBytes", (line.highest() + 1) * blockBytes);
        }
        return array;
    }
}
