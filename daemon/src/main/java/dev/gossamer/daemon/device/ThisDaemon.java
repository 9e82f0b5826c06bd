package dev.gossamer.daemon.device;

import dev.gossamer.io.posix.Processes;
import dev.gossamer.thin.owner.OwnerHost;
import dev.gossamer.thin.owner.OwnerProcess;
import java.util.UUID;

/** This process as the owner of a pool, and the others of this machine (OP-11, OP-12). */
public final class ThisDaemon implements OwnerHost {
    private static final UUID UNKNOWN = new UUID(0, 0);

    private final OwnerProcess self = new OwnerProcess(
            Processes.machineId(),
            Processes.bootId(),
            Processes.pidNamespace(),
            ProcessHandle.current().pid(),
            Processes.ownStartTicks(),
            Processes.hostName());

    @Override
    public OwnerProcess self() {
        return self;
    }

    /** False where the kernel does not say which one it is: a process number means nothing then. */
    @Override
    public boolean isGone(OwnerProcess process) {
        boolean here = !self.bootId().equals(UNKNOWN) && self.pidNamespace() != 0 && self.isNeighbourOf(process);
        return here && Processes.isGone(process.pid(), process.startTicks());
    }

    @Override
    public long currentTimeMillis() {
        return System.currentTimeMillis();
    }
}
