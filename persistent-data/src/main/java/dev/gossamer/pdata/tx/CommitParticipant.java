package dev.gossamer.pdata.tx;

import dev.gossamer.io.StorageException;

/** Something that keeps changes in memory which belong into metadata blocks: a space map with its index. */
public interface CommitParticipant {
    /** Puts all changes into dirty blocks. It may allocate and shadow; afterwards its root is final for this commit. */
    void flushChanges() throws StorageException;

    /**
     * The transaction ends here, and is about to be written. Until it is {@link #committed} there are two states that a
     * crash may lead to, and what either of them uses is not allocated.
     */
    void frozen();

    /** The superblock of the frozen transaction is stable: its state is the committed one. */
    void committed();
}
