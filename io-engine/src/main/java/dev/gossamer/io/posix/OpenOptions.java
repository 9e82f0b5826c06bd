package dev.gossamer.io.posix;

/**
 * How to open a {@link PosixDevice}.
 *
 * @param readOnly nothing is changed; several processes may read together, but not beside one that writes
 * @param buffered go through the page cache, for file systems that cannot do direct I/O
 * @param others who else may have the device
 * @param admission asked before it is opened
 */
public record OpenOptions(boolean readOnly, boolean buffered, Others others, Admission admission) {
    /** Who may have the device at the same time. */
    public enum Others {
        /** Nobody beside a writer; beside a reader of a block device also mounts and mappings, which take no lock. */
        BY_LOCK,
        /** As by lock; and a block device that is mounted or mapped is refused to a reader, too. */
        NO_HOLDERS,
        /** As by lock; and a writer lets those be who have mapped other parts of a block device. */
        HOLDERS,
        /** Anybody: the reader knows that what it looks at does not change. */
        ANY
    }

    public static final OpenOptions READ_WRITE = new OpenOptions(false, false);
    public static final OpenOptions READ_ONLY = new OpenOptions(true, false);

    public OpenOptions(boolean readOnly, boolean buffered) {
        this(readOnly, buffered, Others.BY_LOCK);
    }

    public OpenOptions(boolean readOnly, boolean buffered, Others others) {
        this(readOnly, buffered, others, Admission.ALL);
    }

    public OpenOptions withAdmission(Admission newAdmission) {
        return new OpenOptions(readOnly, buffered, others, newAdmission);
    }
}
