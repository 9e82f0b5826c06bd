package dev.gossamer.io.lvm;

import dev.gossamer.io.StorageException;
import dev.gossamer.io.lvm.format.LvmError;
import dev.gossamer.io.lvm.format.TextParser;
import dev.gossamer.io.lvm.format.TextSection;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** From a text to the volume group it describes (OT-52). */
final class GroupParser {
    /** 2^32 extents of 2^31 sectors are more bytes than a long has; sizes are checked where they are multiplied. */
    private static final long MAX_EXTENTS = 1L << 32;

    private static final long MAX_EXTENT_SECTORS = 1L << 31;
    private static final long MAX_SECTORS = Long.MAX_VALUE >>> 10;
    private static final long MIN_STRIPE_SECTORS = 8;
    private static final int MAX_STRIPES = 128;
    /** More than LVM makes; one bit each of a number in the images' superblocks. */
    private static final int MAX_IMAGES = 64;

    private GroupParser() {}

    /** @throws StorageException naming what in the text is wrong */
    static VolumeGroup parse(String text) throws StorageException {
        TextSection root = TextParser.parse(text);
        if (!root.string("contents").equals("Text Format Volume Group") || root.number("version", 0, 99) != 1) {
            throw LvmError.damaged("the text is not of LVM's format, version 1");
        }
        Map<String, TextSection> groups = root.sections();
        if (groups.size() != 1) {
            throw LvmError.damaged("the text describes " + groups.size() + " volume groups, not one");
        }
        Map.Entry<String, TextSection> group = groups.entrySet().iterator().next();
        return group(group.getKey(), group.getValue());
    }

    private static VolumeGroup group(String name, TextSection text) throws StorageException {
        long extentSectors = text.number("extent_size", 1, MAX_EXTENT_SECTORS);
        Map<String, PhysicalVolume> physical = new LinkedHashMap<>();
        TextSection physicalTexts = text.section("physical_volumes");
        if (physicalTexts == null) {
            throw LvmError.damaged("volume group " + name + " has no physical volumes");
        }
        for (Map.Entry<String, TextSection> each : physicalTexts.sections().entrySet()) {
            physical.put(each.getKey(), named(each.getKey(), () -> physical(each.getKey(), each.getValue())));
        }
        Map<String, LogicalVolume> logical = new LinkedHashMap<>();
        TextSection logicalTexts = text.section("logical_volumes");
        if (logicalTexts != null) {
            for (Map.Entry<String, TextSection> each : logicalTexts.sections().entrySet()) {
                logical.put(each.getKey(), named(each.getKey(), () -> logical(each.getKey(), each.getValue())));
            }
        }
        return new VolumeGroup(
                name,
                text.id("id"),
                text.number("seqno", 0, Long.MAX_VALUE),
                text.words("status"),
                text.string("system_id"),
                text.string("lock_type"),
                extentSectors,
                physical,
                logical);
    }

    private interface Part<T> {
        T read() throws StorageException;
    }

    private static <T> T named(String name, Part<T> part) throws StorageException {
        try {
            return part.read();
        } catch (StorageException e) {
            throw new StorageException(e.errno(), name + ": " + e.getMessage(), e);
        }
    }

    private static PhysicalVolume physical(String name, TextSection text) throws StorageException {
        return new PhysicalVolume(
                name,
                text.id("id"),
                text.number("pe_start", 0, MAX_SECTORS),
                text.number("pe_count", 0, MAX_EXTENTS),
                text.words("status").contains("MISSING") || text.words("flags").contains("MISSING"));
    }

    private static LogicalVolume logical(String name, TextSection text) throws StorageException {
        long count = text.number("segment_count", 1, MAX_EXTENTS);
        Map<String, TextSection> sections = text.sections();
        if (sections.size() != count) {
            throw LvmError.damaged(sections.size() + " segments where " + count + " are announced");
        }
        List<Segment> segments = new ArrayList<>();
        long end = 0;
        for (long i = 1; i <= count; i++) {
            TextSection section = sections.get("segment" + i);
            if (section == null) {
                throw LvmError.damaged("segment" + i + " is missing");
            }
            long start = section.number("start_extent", 0, MAX_EXTENTS);
            if (start != end) {
                throw LvmError.damaged("segment" + i + " begins at extent " + start + ", not at " + end);
            }
            Segment segment = segment(section, section.number("extent_count", 1, MAX_EXTENTS));
            segments.add(segment);
            end += segment.extents();
            if (end > MAX_EXTENTS) {
                throw LvmError.damaged("more than " + MAX_EXTENTS + " extents");
            }
        }
        return new LogicalVolume(name, text.id("id"), text.words("status"), end, segments);
    }

    private static Segment segment(TextSection text, long extents) throws StorageException {
        String type = text.string("type");
        return switch (type) {
            case "striped" -> striped(text, extents);
            case "raid1" -> raid1(text, extents);
            case "thin-pool" -> new Segment.ThinPool(
                    extents,
                    text.string("metadata"),
                    text.string("pool"),
                    text.number("transaction_id", 0, Long.MAX_VALUE),
                    text.number("chunk_size", 1, MAX_EXTENT_SECTORS),
                    text.names().stream().anyMatch(name -> name.startsWith("message")));
            case "thin" -> new Segment.Thin(
                    extents,
                    text.string("thin_pool"),
                    text.number("device_id", 0, (1 << 24) - 1),
                    text.string("origin"),
                    text.string("external_origin"));
            default -> new Segment.Unsupported(extents, type);
        };
    }

    private static Segment raid1(TextSection text, long extents) throws StorageException {
        List<Object> list = text.list("raids");
        if (list.isEmpty() || list.size() % 2 != 0 || list.size() > 2 * MAX_IMAGES) {
            throw LvmError.damaged("raids has " + list.size() + " values, not two for each of up to " + MAX_IMAGES);
        }
        List<Segment.Image> images = new ArrayList<>();
        for (int i = 0; i < list.size(); i += 2) {
            if (!(list.get(i) instanceof String meta) || !(list.get(i + 1) instanceof String data)) {
                throw LvmError.damaged("raids are not pairs of names");
            }
            images.add(new Segment.Image(meta, data));
        }
        return new Segment.Raid1(extents, images);
    }

    private static Segment striped(TextSection text, long extents) throws StorageException {
        int count = (int) text.number("stripe_count", 1, MAX_STRIPES);
        List<Object> list = text.list("stripes");
        if (list.size() != 2 * count) {
            throw LvmError.damaged("stripes has " + list.size() + " values, not two for each of " + count);
        }
        if (extents % count != 0) {
            throw LvmError.damaged(extents + " extents do not fill " + count + " stripes");
        }
        long stripeSectors = count == 1 ? 0 : text.number("stripe_size", MIN_STRIPE_SECTORS, MAX_EXTENT_SECTORS);
        if (Long.bitCount(stripeSectors) > 1) {
            throw LvmError.damaged("'stripe_size' is " + stripeSectors + ", no power of two");
        }
        List<Segment.Stripe> stripes = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            if (!(list.get(2 * i) instanceof String name)
                    || !(list.get(2 * i + 1) instanceof Long extent)
                    || extent < 0
                    || extent > MAX_EXTENTS) {
                throw LvmError.damaged("stripes are not pairs of a name and an extent");
            }
            stripes.add(new Segment.Stripe(name, extent));
        }
        return new Segment.Striped(extents, stripeSectors, stripes);
    }
}
