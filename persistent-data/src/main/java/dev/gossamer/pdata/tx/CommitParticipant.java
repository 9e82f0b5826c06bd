package dev.gossamer.pdata.tx;

import dev.gossamer.io.StorageException;

/** Something that keeps changes in memory which belong into metadata blocks: a space map with its index. */
public interface CommitParticipant {
    /** Puts all changes into dirty blocks. It may allocate and shadow; afterwards its root is final for this commit. */
    void flushChanges() throws StorageException;

    /** The superblock is stable: the current state is the committed one. */
    void committed();
}
