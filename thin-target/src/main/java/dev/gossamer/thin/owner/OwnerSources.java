package dev.gossamer.thin.owner;

import dev.gossamer.io.BlockDevice;

/**
 * Over what superblock and owner slot are read: the devices, or, while one waits at its gate after a reconnect, the new
 * connection itself. So when both have lost theirs, neither waits for the other. On the ownership's loop.
 */
final class OwnerSources {
    private final BlockDevice metadata;
    private final BlockDevice data;
    private BlockDevice metadataAtGate;
    private BlockDevice dataAtGate;

    OwnerSources(BlockDevice metadata, BlockDevice data) {
        this.metadata = metadata;
        this.data = data;
    }

    BlockDevice metadata() {
        return metadataAtGate == null ? metadata : metadataAtGate;
    }

    BlockDevice data() {
        return dataAtGate == null ? data : dataAtGate;
    }

    void enter(PoolOwnership.Role role, BlockDevice through) {
        switch (role) {
            case METADATA -> metadataAtGate = through;
            case DATA -> dataAtGate = through;
        }
    }

    /** A connection that has been replaced since is not the one that waits. */
    @SuppressWarnings("ReferenceEquality")
    void leave(PoolOwnership.Role role, BlockDevice through) {
        if (role == PoolOwnership.Role.METADATA && metadataAtGate == through) {
            metadataAtGate = null;
        } else if (role == PoolOwnership.Role.DATA && dataAtGate == through) {
            dataAtGate = null;
        }
    }
}
