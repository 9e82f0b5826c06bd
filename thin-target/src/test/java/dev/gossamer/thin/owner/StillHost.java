package dev.gossamer.thin.owner;

import java.util.UUID;

/** A machine on which no process ends and whose clock stands still. */
final class StillHost implements OwnerHost {
    @Override
    public OwnerProcess self() {
        return new OwnerProcess(new UUID(1, 1), new UUID(2, 2), 1, 1, 1, "here");
    }

    @Override
    public boolean isGone(OwnerProcess process) {
        return false;
    }

    @Override
    public long currentTimeMillis() {
        return 0;
    }
}
