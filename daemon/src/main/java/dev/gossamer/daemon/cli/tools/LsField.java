package dev.gossamer.daemon.cli.tools;

import java.util.Locale;

/** A column of {@code ls} (OT-14). */
enum LsField {
    DEV,
    NAME,
    MAPPED_BLOCKS,
    EXCLUSIVE_BLOCKS,
    SHARED_BLOCKS,
    MAPPED_SECTORS,
    EXCLUSIVE_SECTORS,
    SHARED_SECTORS,
    MAPPED_BYTES,
    EXCLUSIVE_BYTES,
    SHARED_BYTES,
    MAPPED,
    EXCLUSIVE,
    SHARED,
    TRANSACTION,
    CREATE_TIME,
    SNAP_TIME,
    HIGHEST_BLOCK,
    HIGHEST_SECTOR,
    HIGHEST_BYTE,
    HIGHEST_MAPPED;

    /** Whether no version of the peers has it. */
    boolean isOurs() {
        return this == NAME;
    }

    /** Whether it costs a look at all mappings. */
    boolean needsExclusive() {
        return name().startsWith("EXCLUSIVE") || name().startsWith("SHARED");
    }

    /** Whether it costs a look at the device's last leaf; not in version 0.9. */
    boolean needsHighest() {
        return name().startsWith("HIGHEST");
    }

    /** The field of a name; null if there is none. */
    static LsField of(String name) {
        for (LsField field : values()) {
            if (field.name().equals(name.toUpperCase(Locale.ROOT))) {
                return field;
            }
        }
        return null;
    }
}
