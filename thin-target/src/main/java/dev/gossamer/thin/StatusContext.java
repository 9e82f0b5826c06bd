package dev.gossamer.thin;

/**
 * A question that was selected for one volume, by its name as an NBD metadata context. One with a base keeps the base
 * from being deleted, so that a difference never becomes an empty one unnoticed (NBD M10): close it.
 */
public final class StatusContext implements AutoCloseable {
    /** A volume that others are compared with, kept from being deleted. */
    public interface Base {
        /** Its thin device id. */
        int id();

        String name();

        long sizeBytes();

        /** Lets go of it. */
        void closeAsBase();
    }

    private final String name;
    private final StatusKind kind;
    private final int volumeId;
    private final Base base;
    private boolean closed;

    /**
     * A question about one volume.
     *
     * @param volumeId the volume's thin device id
     * @param base for {@link StatusKind#CHANGED_SINCE}: opened as such by the caller, {@link #close} closes it; else
     *     null
     */
    public StatusContext(String name, StatusKind kind, int volumeId, Base base) {
        this.name = name;
        this.kind = kind;
        this.volumeId = volumeId;
        this.base = base;
    }

    /** The name as it was asked for. */
    public String name() {
        return name;
    }

    public StatusKind kind() {
        return kind;
    }

    /** Thin device id of the volume that it was selected for. */
    public int volumeId() {
        return volumeId;
    }

    /** The volume that is compared with; null for a context without one. */
    public Base base() {
        return base;
    }

    /** Name of the volume that is compared with; null for a context without one. */
    public String baseName() {
        return base == null ? null : base.name();
    }

    /** Releases the base. A query that is under way must be answered before. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            if (base != null) {
                base.closeAsBase();
            }
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
