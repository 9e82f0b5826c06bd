package dev.gossamer.thin.offline;

import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.Map;

/**
 * Reads the XML of thin_dump, of any version (OT-38), and tells a {@link PoolSink}. Whatever is wrong with it is told
 * by line and column.
 */
@SuppressWarnings("EnumOrdinal") // Attributes are numbered for the time of reading.
public final class XmlPool {
    /** Attributes, by what their names give. */
    private enum Name {
        UUID,
        TIME,
        TRANSACTION,
        FLAGS,
        VERSION,
        DATA_BLOCK_SIZE,
        NR_DATA_BLOCKS,
        METADATA_SNAP,
        DEV_ID,
        MAPPED_BLOCKS,
        CREATION_TIME,
        SNAP_TIME,
        ORIGIN_BLOCK,
        DATA_BLOCK,
        ORIGIN_BEGIN,
        DATA_BEGIN,
        LENGTH,
        NAME;

        final long hash = XmlScanner.hash(name().toLowerCase(java.util.Locale.ROOT));
    }

    private static final Name[] NAMES = Name.values();
    private static final long SUPERBLOCK = XmlScanner.hash("superblock");
    private static final long DEF = XmlScanner.hash("def");
    private static final long DEVICE = XmlScanner.hash("device");
    private static final long SINGLE = XmlScanner.hash("single_mapping");
    private static final long RANGE = XmlScanner.hash("range_mapping");
    private static final long REF = XmlScanner.hash("ref");

    private final XmlScanner in;
    private final PoolSink sink;
    private final long[] values = new long[NAMES.length];
    private final Map<String, Long> names = new HashMap<>();
    // Bits of the attributes that the tag has.
    private int given;
    private String name;
    private long open;

    public XmlPool(InputStream in, PoolSink sink) {
        this.in = new XmlScanner(in);
        this.sink = sink;
    }

    /**
     * Reads everything.
     *
     * @throws BadPool if it is no pool, or the sink says so
     */
    public void read() throws IOException {
        try {
            readPool();
        } catch (BadPool e) {
            throw e.getMessage().startsWith("line ") ? e : in.wrong(e.getMessage());
        }
    }

    private void readPool() throws IOException {
        if (!beginsAsPool()) {
            throw in.wrong("this is no XML of a pool: <superblock> is missing; dump writes such XML");
        }
        attributes();
        boolean empty = in.isEmptyElement();
        sink.beginPool(new PoolSink.Pool(
                need(Name.TIME),
                need(Name.TRANSACTION),
                false,
                optional(Name.VERSION, PoolSuperblock.VERSION),
                need(Name.DATA_BLOCK_SIZE),
                need(Name.NR_DATA_BLOCKS)));
        while (!empty) {
            int tag = in.nextTag();
            if (tag == 0) {
                throw in.wrong("the input ends before </superblock>");
            }
            if (tag < 0) {
                expectEnd(SUPERBLOCK);
                break;
            }
            element();
        }
        if (in.nextTag() != 0) {
            throw in.wrong("there is something behind </superblock>");
        }
        sink.endPool();
    }

    private boolean beginsAsPool() throws IOException {
        try {
            return in.nextTag() == 1 && in.name() == SUPERBLOCK;
        } catch (BadPool e) {
            return false;
        }
    }

    private void expectEnd(long element) throws BadPool {
        if (in.name() != element) {
            throw in.wrong("</" + in.nameText() + "> ends nothing");
        }
    }

    private void element() throws IOException {
        long element = in.name();
        String text = in.nameText();
        if (element != DEF && element != DEVICE) {
            throw in.wrong("<" + text + "> does not belong here");
        }
        attributes();
        boolean empty = in.isEmptyElement();
        open = element;
        if (element == DEF) {
            sink.beginShared(nameNumber());
        } else {
            sink.beginDevice(new PoolSink.Device(
                    need(Name.DEV_ID),
                    need(Name.MAPPED_BLOCKS),
                    need(Name.TRANSACTION),
                    need(Name.CREATION_TIME),
                    need(Name.SNAP_TIME)));
        }
        while (!empty) {
            int tag = in.nextTag();
            if (tag == 0) {
                throw in.wrong("the input ends before </" + text + ">");
            }
            if (tag < 0) {
                expectEnd(element);
                break;
            }
            mapping();
        }
        if (element == DEF) {
            sink.endShared();
        } else {
            sink.endDevice();
        }
    }

    private void mapping() throws IOException {
        long element = in.name();
        if (element != SINGLE && element != RANGE && (element != REF || open == DEF)) {
            throw in.wrong("<" + in.nameText() + "> does not belong here");
        }
        attributes();
        if (!in.isEmptyElement()) {
            throw in.wrong("a mapping has nothing inside");
        }
        if (element == SINGLE) {
            sink.mapping(need(Name.ORIGIN_BLOCK), need(Name.DATA_BLOCK), 1, need(Name.TIME));
        } else if (element == RANGE) {
            sink.mapping(need(Name.ORIGIN_BEGIN), need(Name.DATA_BEGIN), need(Name.LENGTH), need(Name.TIME));
        } else {
            sink.shared(nameNumber());
        }
    }

    private long nameNumber() throws BadPool {
        if ((given & 1 << Name.NAME.ordinal()) == 0) {
            throw in.wrong("attribute name is missing");
        }
        return names.computeIfAbsent(name, key -> (long) names.size());
    }

    private void attributes() throws IOException {
        given = 0;
        while (in.nextAttribute()) {
            Name attribute = attribute(in.name());
            if (attribute == null) {
                throw in.wrong("attribute " + in.nameText() + " is unknown");
            }
            int bit = 1 << attribute.ordinal();
            if ((given & bit) != 0) {
                throw in.wrong("attribute " + in.nameText() + " is there twice");
            }
            given |= bit;
            switch (attribute) {
                case UUID -> in.string();
                case NAME -> name = in.string();
                default -> values[attribute.ordinal()] = in.number();
            }
        }
    }

    private static Name attribute(long hash) {
        for (Name name : NAMES) {
            if (name.hash == hash) {
                return name;
            }
        }
        return null;
    }

    private long need(Name attribute) throws BadPool {
        if ((given & 1 << attribute.ordinal()) == 0) {
            throw in.wrong("attribute " + attribute.name().toLowerCase(java.util.Locale.ROOT) + " is missing");
        }
        return values[attribute.ordinal()];
    }

    private long optional(Name attribute, long absent) {
        return (given & 1 << attribute.ordinal()) == 0 ? absent : values[attribute.ordinal()];
    }
}
