package dev.gossamer.it.sim.load;

import dev.gossamer.it.sim.judge.Judge;
import dev.gossamer.it.sim.judge.VolumeModel;
import dev.gossamer.it.sim.world.NetMood;
import dev.gossamer.it.sim.world.World;
import dev.gossamer.nbd.wire.NbdCommand;
import java.util.ArrayDeque;
import java.util.Collection;

/** Reads volumes from their beginning to their end, one after the other; the judge looks at what it gets. */
public final class Auditor {
    private static final int PIECE_BYTES = 96 << 10;
    private static final int DEPTH = 4;

    private final World world;
    private final Judge judge;
    private final NetMood net;
    private final String name;
    private final ArrayDeque<VolumeModel> left;
    private NbdClient client;
    private long nextOffset;
    private int looked;

    public Auditor(World world, Judge judge, NetMood net, String name, Collection<VolumeModel> volumes) {
        this.world = world;
        this.judge = judge;
        this.net = net.unchopped();
        this.name = name;
        this.left = new ArrayDeque<>(volumes);
    }

    public void begin() {
        next();
    }

    public boolean isDone() {
        return client == null && left.isEmpty();
    }

    /** Its server is gone. */
    public void vanish() {
        left.clear();
        if (client != null) {
            client.vanish();
            client = null;
        }
    }

    private void next() {
        VolumeModel volume = left.poll();
        client = null;
        if (volume != null) {
            nextOffset = 0;
            String its = name + "-" + volume.name();
            client = new NbdClient(world, judge, its, volume, ++looked % 2, 0, this::next);
            client.onAnswer(this::goOn);
            client.connect(net, 250, this::goOn);
        }
    }

    private void goOn() {
        VolumeModel volume = client.volume();
        while (nextOffset < volume.sizeBytes() && client.openCommands() < DEPTH) {
            long length = Math.min(PIECE_BYTES, volume.sizeBytes() - nextOffset);
            client.request(NbdCommand.READ, 0, nextOffset, length, false);
            nextOffset += length;
        }
        if (nextOffset >= volume.sizeBytes() && client.openCommands() == 0) {
            client.leave(NbdClient.End.DISCONNECT);
        }
    }
}
