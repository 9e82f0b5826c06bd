package dev.gossamer.io.lvm;

import java.util.List;

/**
 * A logical volume as its group's text has it.
 *
 * @param id without dashes
 * @param status LVM's words
 * @param extents of all segments
 */
record LogicalVolume(String name, String id, List<String> status, long extents, List<Segment> segments) {
    LogicalVolume {
        status = List.copyOf(status);
        segments = List.copyOf(segments);
    }

    boolean isWritable() {
        return status.contains("WRITE");
    }

    /** The only segment if it is of this kind, else null. */
    <S extends Segment> S only(Class<S> kind) {
        return segments.size() == 1 && kind.isInstance(segments.getFirst()) ? kind.cast(segments.getFirst()) : null;
    }
}
