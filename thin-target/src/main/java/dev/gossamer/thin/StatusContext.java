package dev.gossamer.thin;

/**
 * A question that was selected for one volume, by its name as an NBD metadata context. One with a base keeps the base
 * from being deleted, so that a difference never becomes an empty one unnoticed (NBD M10): close it.
 */
public final class StatusContext implements AutoCloseable {
    private final String name;
    private final StatusKind kind;
    final ThinDevice device;
    /** For CHANGED_SINCE; else null. */
    final ThinDevice base;

    private boolean closed;

    /** @param base opened as such by the caller; {@link #close} closes it */
    StatusContext(String name, StatusKind kind, ThinDevice device, ThinDevice base) {
        this.name = name;
        this.kind = kind;
        this.device = device;
        this.base = base;
    }

    /** The name as it was asked for. */
    public String name() {
        return name;
    }

    public StatusKind kind() {
        return kind;
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
