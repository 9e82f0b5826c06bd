package dev.gossamer.it.sim.judge;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.it.sim.judge.Violation.Oracle;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdError;
import dev.gossamer.nbd.wire.NbdFlags;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Hears of everything that is sent, taken and answered, and speaks up when a promise is broken. */
public final class Judge {
    private final int blockBytes;
    private final long maximumBytes;
    private final Map<String, VolumeModel> volumes = new TreeMap<>();
    /** Sent in this life; whether their clients still wait or not, the server may come to them. */
    private final Map<Long, Command> sent = new HashMap<>();
    /** Of these, those that a reply may name. */
    private final Map<Long, Command> open = new HashMap<>();

    private final List<Pending> pending = new ArrayList<>();
    // By identity: clients that were there keep on hearing of it.
    private final List<VolumeModel> drained = new ArrayList<>();
    private final List<Cloning> clonings = new ArrayList<>();
    private final Rules rules = new Rules();
    private Excuses excuses;
    /** When the pool has heard in this life that its data device could not flush. */
    private long flushFailedAt = Change.NEVER;

    private long originFlushFailedAt = Change.NEVER;

    private long moment;
    private long cookies;
    private long answers;

    /** @param maximumBytes of a volume */
    public Judge(int blockBytes, long maximumBytes) {
        this.blockBytes = blockBytes;
        this.maximumBytes = maximumBytes;
    }

    public void setExcuses(Excuses newExcuses) {
        excuses = newExcuses;
    }

    public long now() {
        return moment;
    }

    /** Who may do what. */
    public Rules rules() {
        return rules;
    }

    /** Something happens that others are before or after. */
    public long next() {
        return ++moment;
    }

    /** Commands answered so far: progress. */
    public long answers() {
        return answers;
    }

    public Collection<VolumeModel> volumes() {
        return volumes.values();
    }

    /** Those of the pool. */
    public List<VolumeModel> poolVolumes() {
        return volumes.values().stream().filter(volume -> !volume.isClassic()).toList();
    }

    /** Null if there is none of that name. */
    public VolumeModel volume(String name) {
        return volumes.get(name);
    }

    // ---- commands ----

    /**
     * A client sends a command.
     *
     * @param malformed it is against the protocol, or out of range, and has to be refused
     */
    public Command sent(VolumeModel volume, int type, int flags, long offset, long length, boolean malformed) {
        return sent(volume, type, flags, offset, length, malformed, 0);
    }

    /**
     * As the other.
     *
     * @param stamp of what a WRITE repeats that was written before, perhaps elsewhere; 0: it writes something new
     */
    public Command sent(
            VolumeModel volume, int type, int flags, long offset, long length, boolean malformed, long stamp) {
        long cookie = ++cookies;
        boolean fua = (flags & NbdFlags.CMD_FUA) != 0;
        Change change =
                switch (type) {
                    case NbdCommand.WRITE -> new Change(stamp == 0 ? cookie : stamp, fua, false);
                    case NbdCommand.WRITE_ZEROES, NbdCommand.TRIM -> new Change(0, fua, false);
                    default -> null;
                };
        Command command = new Command(cookie, type, flags, offset, length, volume, change, malformed);
        command.sent = ++moment;
        if (change != null) {
            change.sent = command.sent;
        }
        if (type == NbdCommand.READ) {
            command.data = new byte[(int) Math.min(length, maximumBytes)];
        }
        open.put(cookie, command);
        sent.put(cookie, command);
        return command;
    }

    /** The server has given a request to the volume. */
    void taken(BlockRequest request) {
        if (request.operation() == BlockOperation.READ) {
            return; // perhaps a part of one, which has no tag of its own
        }
        Command command = sent.get(request.tag());
        moment++;
        if (command == null || command.change == null) {
            return;
        }
        if (command.malformed) {
            throw new Violation(Oracle.REPLY, command + " reaches the volume");
        }
        if (command.change.taken != Change.NEVER) {
            throw new Violation(Oracle.ORDER, command + " is given to the volume twice");
        }
        command.change.taken = moment;
        if (command.type == NbdCommand.TRIM && command.volume.isClassic()) {
            Change soft = new Change(0, false, true);
            soft.sent = command.sent;
            soft.taken = moment;
            command.volume.trimmed(command.offsetBytes, command.lengthBytes, soft);
        } else if (command.type == NbdCommand.TRIM) {
            trimTaken(command);
        } else {
            command.volume.taken(command.offsetBytes, command.lengthBytes, command.change);
        }
    }

    /** Whole blocks are zeros; of others a part may become so, now or later, until it is written. */
    private void trimTaken(Command command) {
        long end = command.offsetBytes + command.lengthBytes;
        long firstWhole = Math.ceilDiv(command.offsetBytes, (long) blockBytes) * blockBytes;
        long endWhole = end / blockBytes * blockBytes;
        Change soft = new Change(0, false, true);
        soft.sent = command.sent;
        soft.taken = moment;
        if (firstWhole >= endWhole) {
            command.volume.trimmed(command.offsetBytes, command.lengthBytes, soft);
            return;
        }
        command.volume.trimmed(command.offsetBytes, firstWhole - command.offsetBytes, soft);
        command.volume.trimmed(firstWhole, endWhole - firstWhole, command.change);
        command.volume.trimmed(endWhole, end - endWhole, soft);
    }

    /** The command that a reply names; a reply to none is the server's fault. */
    public Command asked(long cookie) {
        Command command = open.get(cookie);
        if (command == null) {
            throw new Violation(Oracle.REPLY, "a reply to " + cookie + ", which is not under way");
        }
        return command;
    }

    /** The last part of a reply has arrived. */
    public void answered(Command command, int error) {
        open.remove(command.cookie);
        sent.remove(command.cookie);
        long now = ++moment;
        answers++;
        if (error != NbdError.OK) {
            refused(command, error);
            return;
        }
        if (command.malformed && command.type != NbdCommand.CACHE && command.type != NbdCommand.BLOCK_STATUS) {
            throw new Violation(Oracle.REPLY, command + " is answered OK");
        }
        checkFlushed(command);
        if (command.sent < command.volume.sizedAt()) {
            return; // from before it was resized or rolled back: heard late, and of a volume that is no more
        }
        switch (command.type) {
            case NbdCommand.READ -> read(command, now);
            case NbdCommand.FLUSH -> command.volume.flushed(command.sent);
            case NbdCommand.WRITE, NbdCommand.WRITE_ZEROES, NbdCommand.TRIM -> changed(command, now);
            default -> {}
        }
    }

    /** As {@link #dataFlushFailed} of the device that has classic snapshots. */
    public void originFlushFailed() {
        originFlushFailedAt = Math.min(originFlushFailedAt, ++moment);
    }

    /** The pool has heard that its data device could not flush: from now on no FLUSH succeeds until it is opened. */
    public void dataFlushFailed() {
        flushFailedAt = Math.min(flushFailedAt, ++moment);
    }

    private void checkFlushed(Command command) {
        boolean promises = command.type == NbdCommand.FLUSH || (command.change != null && command.change.fua);
        boolean isOrigin = command.volume.isClassic() && !command.volume.isClassicSnapshot();
        promises &= !isOrigin || command.type == NbdCommand.FLUSH; // there a write with FUA speaks for itself
        if (promises && command.sent > (isOrigin ? originFlushFailedAt : flushFailedAt)) {
            throw new Violation(Oracle.REPLY, command + " is answered OK after a FLUSH of its device has failed");
        }
    }

    private void read(Command command, long now) {
        if (command.arrivedBytes != command.lengthBytes) {
            throw new Violation(Oracle.REPLY, command + " has brought " + command.arrivedBytes + " bytes");
        }
        command.volume.shows(command.offsetBytes, command.data, command.sent, now, excuses.commitsFail());
    }

    private void changed(Command command, long now) {
        if (command.change.taken == Change.NEVER && command.lengthBytes > 0) {
            throw new Violation(Oracle.REPLY, command + " is answered and was never begun");
        }
        if (command.type == NbdCommand.TRIM && excuses.deviceFailed()) {
            return; // advice: a pool that changes nothing any more says yes and does nothing
        }
        command.change.answered(now);
        if (command.change.fua) {
            command.volume.each(command.offsetBytes, command.lengthBytes, sector -> sector.stable(command.change));
        }
    }

    /** Commands whose clients wait for them. */
    public int open() {
        return open.size();
    }

    private void refused(Command command, int error) {
        boolean legal = NbdError.mayAnswer(error, command.type)
                && switch (error) {
                    case NbdError.EINVAL -> command.malformed;
                    case NbdError.EPERM -> command.malformed || excuses.deviceFailed();
                    case NbdError.ENOSPC -> command.malformed
                            || (command.change != null
                                    && (excuses.deviceFailed()
                                            || (excuses.spaceIsShort()
                                                    && !command.volume.hasSpace(blockBytes, command.sent))));
                    case NbdError.EIO -> excuses.deviceFailed()
                            || (command.volume.isClassic() && excuses.classicMayFail());
                    case NbdError.ESHUTDOWN -> excuses.isDraining() || drained.contains(command.volume);
                    case NbdError.ENOTSUP -> (command.flags & NbdFlags.CMD_FAST_ZERO) != 0;
                    default -> false;
                };
        if (!legal) {
            throw new Violation(Oracle.REPLY, command + " is answered " + error + ", which nothing explains");
        }
    }

    /** Its client is gone, or the answer will never come. */
    public void forget(Command command) {
        open.remove(command.cookie);
    }

    // ---- what administrators do ----

    /** A change of volumes under way: done or not done if the life ends before its answer. */
    public final class Pending {
        private final Runnable done;
        private final String made;
        private final String changes;

        private Pending(String made, String changes, Runnable done) {
            this.made = made;
            this.changes = changes;
            this.done = done;
        }

        /** It has succeeded. */
        public void succeeded() {
            moment++;
            pending.remove(this);
            done.run();
        }

        /** It has been refused, and nothing is changed. */
        public void failed() {
            moment++;
            pending.remove(this);
        }

        /** Whether it changes what is found under this name. */
        boolean concerns(String name) {
            return name.equals(changes) || name.equals(made);
        }

        /** The volume whose existence tells that it was done, or the lack of the one that it deletes. */
        public String made() {
            return made;
        }
    }

    private Pending pend(String made, Runnable done) {
        return pend(made, null, done);
    }

    private Pending pend(String made, String changes, Runnable done) {
        moment++;
        Pending change = new Pending(made, changes, done);
        pending.add(change);
        return change;
    }

    public Pending creating(String name, long sizeBytes) {
        return pend(name, () -> volumes.put(name, new VolumeModel(name, sizeBytes, maximumBytes)));
    }

    public Pending creatingOver(String name, long sizeBytes) {
        return pend(name, () -> volumes.put(name, VolumeModel.over(name, sizeBytes, maximumBytes)));
    }

    /** Copies of volumes, all of one moment. What they are copies of is stable then. */
    public Pending snapshotting(Map<String, String> originByName) {
        long asked = moment + 1;
        Map<String, Change[]> floors = new TreeMap<>();
        originByName.forEach(
                (name, origin) -> floors.put(name, volumes.get(origin).floors(asked)));
        return pend(originByName.keySet().iterator().next(), () -> {
            VolumeModel.Moment one = new VolumeModel.Moment(asked, moment);
            floors.forEach((name, floor) -> {
                VolumeModel origin = volumes.get(originByName.get(name));
                volumes.put(name, origin.since(floor, name, one));
                origin.flushed(asked);
            });
        });
    }

    /** Gives a volume another's contents and size, and keeps what it held. */
    public Pending rollingBack(String name, String source, String keepAs) {
        Change[] of = volumes.get(source).floors(moment);
        Change[] kept = volumes.get(name).floors(moment);
        long asked = moment;
        return pend(keepAs, name, () -> {
            VolumeModel.Moment one = new VolumeModel.Moment(asked, moment);
            VolumeModel old = volumes.get(name).since(kept, keepAs, one);
            // The same object: a client may be about to connect.
            volumes.get(name).become(volumes.get(source).since(of, name, one), moment);
            volumes.put(keepAs, old);
        });
    }

    /** A job begins to give a range of a volume what another one has there. */
    public Cloning cloning(String source, String target, long offsetBytes, long lengthBytes) {
        int first = (int) (offsetBytes / Content.SECTOR_BYTES);
        int end = (int) ((offsetBytes + lengthBytes) / Content.SECTOR_BYTES);
        Cloning cloning = new Cloning(volumes.get(source), volumes.get(target), first, end, ++moment, () -> ++moment);
        volumes.get(target).begin(cloning);
        volumes.get(source).sharing();
        clonings.removeIf(Cloning::isOver);
        clonings.add(cloning);
        return cloning;
    }

    /** Whether any other volume is being given what this one holds. */
    public boolean isBeingCloned(VolumeModel volume) {
        return clonings.stream().anyMatch(cloning -> !cloning.isOver() && cloning.isFrom(volume));
    }

    /** A device that will have classic snapshots, of zeros. */
    public Pending creatingOrigin(String name, long sizeBytes) {
        return pend(name, () -> volumes.put(name, VolumeModel.classicOrigin(name, sizeBytes, maximumBytes)));
    }

    /** A classic snapshot of such a device, of one moment; what is not stable there is not stable here. */
    public Pending shadowing(String name, String origin) {
        long asked = moment + 1;
        Change[] floors = volumes.get(origin).floors(asked);
        return pend(
                name,
                () -> volumes.put(
                        name, volumes.get(origin).shadow(floors, name, new VolumeModel.Moment(asked, moment))));
    }

    /** Such a device gets what its snapshot holds, which is gone then. Nobody has either open. */
    public Pending merging(String name, String origin) {
        Change[] floors = volumes.get(name).floors(moment);
        return pend("!" + name, origin, () -> {
            VolumeModel gone = volumes.remove(name); // or it was asked for twice
            if (gone != null) {
                volumes.get(origin).merged(gone, floors, moment);
            }
        });
    }

    /** Nobody has it open. */
    public Pending deleting(String name) {
        return pend("!" + name, () -> volumes.remove(name));
    }

    public Pending renaming(String name, String newName) {
        return pend(newName, () -> {
            VolumeModel volume = volumes.remove(name);
            volume.rename(newName);
            volumes.put(newName, volume);
        });
    }

    /** Nobody has it open. What is beyond the smaller of both ends is zeros afterwards. */
    public Pending resizing(String name, long newSizeBytes) {
        VolumeModel volume = volumes.get(name);
        long smaller = Math.min(newSizeBytes, volume.sizeBytes());
        Change cutOff = new Change(0, true, false);
        cutOff.sent = moment;
        cutOff.taken = moment;
        volume.taken(smaller, maximumBytes - smaller, cutOff);
        return pend("=" + newSizeBytes + "=" + name, name, () -> {
            volume.setSize(newSizeBytes, moment);
            cutOff.answered = moment;
            volume.each(smaller, maximumBytes - smaller, sector -> sector.stable(cutOff));
        });
    }

    /** The clients of a volume are sent away. */
    public void draining(VolumeModel volume) {
        drained.add(volume);
    }

    /** Whether anything of the administrators' is under way. */
    public boolean hasPending() {
        return !pending.isEmpty();
    }

    // ---- the end of a life ----

    /**
     * Everything under way is lost.
     *
     * @param powerToo otherwise only the process is gone
     */
    public void ended(boolean powerToo, boolean orderly) {
        moment++;
        boolean poolFlushFailed = flushFailedAt != Change.NEVER;
        boolean originFlushFailed = originFlushFailedAt != Change.NEVER;
        flushFailedAt = Change.NEVER;
        originFlushFailedAt = Change.NEVER;
        rules.reset();
        clonings.forEach(cloning -> cloning.ended(false));
        clonings.clear();
        open.clear();
        sent.clear();
        for (VolumeModel volume : orderly ? List.<VolumeModel>of() : List.copyOf(volumes.values())) {
            if (powerToo) {
                volume.cut();
            } else {
                volume.killed(volume.isClassic() ? originFlushFailed || poolFlushFailed : poolFlushFailed);
            }
        }
    }

    // ---- if the power failed now ----

    /** The volumes that are there then: those that there are, but for changes under way. */
    public void survivorsAre(List<String> names, String when) {
        boolean explained = !pending.isEmpty();
        List<String> expected =
                poolVolumes().stream().map(VolumeModel::name).sorted().toList();
        if (!explained && !names.stream().sorted().toList().equals(expected)) {
            throw new Violation(Oracle.PERMITTED, when + ": there are volumes " + names + ", should be " + expected);
        }
    }

    /**
     * What a part of a volume holds then. Nothing of what the judge knows changes by it.
     *
     * @param damaged what is read is as it was at some time, and may be older than what was stable
     */
    public void survives(String name, long sizeBytes, long offset, byte[] data, String when, boolean damaged) {
        VolumeModel volume = volumes.get(name);
        boolean other = pending.stream().anyMatch(change -> change.concerns(name));
        if (volume != null && !other && volume.sizeBytes() == sizeBytes) {
            volume.survives(offset, data, when, damaged);
        } else if (pending.isEmpty() && !damaged) {
            throw new Violation(Oracle.PERMITTED, when + ": " + name + " has " + sizeBytes + " bytes");
        }
    }

    /** Changes that may have been done before the end: whoever sees whether they were says so. */
    public List<Pending> undecided() {
        return List.copyOf(pending);
    }
}
