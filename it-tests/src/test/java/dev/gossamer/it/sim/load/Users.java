package dev.gossamer.it.sim.load;

import dev.gossamer.it.sim.faults.FaultCounts;
import dev.gossamer.it.sim.faults.Swarm;
import dev.gossamer.it.sim.judge.Command;
import dev.gossamer.it.sim.judge.Content;
import dev.gossamer.it.sim.judge.Judge;
import dev.gossamer.it.sim.judge.VolumeModel;
import dev.gossamer.it.sim.world.World;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdFlags;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Predicate;

/** The clients of all users: each has one connection at a time, and makes another when that is over. */
@SuppressWarnings("EnumOrdinal") // drawn by number
public final class Users {
    private static final int BLOCK_SECTORS = 128;

    /** The first operations of a plan. */
    private static final int EARLY = 120;

    private static final int BLOCK_BYTES = BLOCK_SECTORS * Content.SECTOR_BYTES;

    private final World world;
    private final Judge judge;
    private final Swarm swarm;
    private final FaultCounts counts;
    private final int depth;
    private final SplittableRandom chance;
    private final List<User> users = new ArrayList<>();
    private Predicate<String> isBusy = name -> false;
    private boolean served;
    private int connections;
    private Command lastBlocks;

    private static final class User {
        final ArrayDeque<Op> waiting = new ArrayDeque<>();
        NbdClient client;
        int refusals;
    }

    public Users(World world, Judge judge, Swarm swarm, FaultCounts counts, Plan plan) {
        this.world = world;
        this.judge = judge;
        this.swarm = swarm;
        this.counts = counts;
        this.depth = plan.depth();
        chance = world.streams().of("clients");
        for (int i = 0; i < plan.users(); i++) {
            users.add(new User());
        }
    }

    /** Which volumes nobody may connect to at the moment. */
    public void avoid(Predicate<String> busy) {
        isBusy = busy;
    }

    /** A daemon listens. */
    public void begin() {
        served = true;
        users.forEach(this::goOn);
    }

    /** It is gone, and all connections with it. */
    public void lifeEnded() {
        served = false;
        for (User user : users) {
            if (user.client != null) {
                user.client.vanish();
                user.client = null;
            }
        }
    }

    /** Somebody does something; if his connection is busy, in his turn. */
    public void issue(Op op) {
        User user = users.get(op.who() % users.size());
        user.waiting.add(op);
        goOn(user);
    }

    /** Operations not begun yet. */
    public int waiting() {
        return users.stream().mapToInt(user -> user.waiting.size()).sum();
    }

    /**
     * Forgets what was not begun, and lets everybody leave.
     *
     * @param atOnce without a word, whatever is under way
     */
    public void disperse(boolean atOnce) {
        for (User user : users) {
            user.waiting.clear();
            if (user.client != null) {
                user.client.leave(atOnce ? NbdClient.End.RESET : NbdClient.End.DISCONNECT);
            }
        }
    }

    /** Whether any connection is there. */
    public boolean anybodyIsThere() {
        return users.stream().anyMatch(user -> user.client != null);
    }

    private void goOn(User user) {
        while (served && !user.waiting.isEmpty()) {
            if (user.client == null) {
                connect(user);
                return;
            }
            if (!user.client.isOpen() || user.client.openCommands() >= depth) {
                return;
            }
            perform(user, user.waiting.poll());
        }
    }

    private void connect(User user) {
        Op op = user.waiting.peek();
        List<VolumeModel> volumes = judge.volumes().stream()
                .filter(volume -> !isBusy.test(volume.name()) || chance.nextInt(4) == 0)
                .toList();
        if (judge.volumes().isEmpty()) {
            user.waiting.clear(); // the pool could not even make one
            return;
        }
        if (volumes.isEmpty()) {
            world.after(1_000_000, World.Alive.ALWAYS, () -> goOn(user));
            return;
        }
        VolumeModel volume = choose(volumes, op);
        int number = ++connections;
        boolean slow = swarm.strikes(Swarm.Kind.SLOW_READER, chance);
        NbdClient client =
                new NbdClient(world, judge, "client-" + number, volume, chance.nextInt(3), slow ? 200_000 : 0, () -> {
                    if (!user.client.wasOpen() && ++user.refusals % 4 == 0) {
                        user.waiting.poll(); // nobody lets him in: perhaps the volume is half gone
                    }
                    user.client = null;
                    world.after(chance.nextLong(500_000), World.Alive.ALWAYS, () -> goOn(user));
                });
        client.onAnswer(() -> goOn(user));
        user.client = client;
        if (!client.connect(swarm.net(), 1 + number % 200, () -> goOn(user))) {
            user.client = null;
        }
    }

    /** While some volume has a reserve the others use up what there is, and then its owner comes. */
    private static VolumeModel choose(List<VolumeModel> volumes, Op op) {
        boolean isEarly = op.index() < EARLY;
        List<VolumeModel> some = volumes.stream()
                .filter(volume -> volume.hasReserve() != isEarly)
                .toList();
        boolean any = some.isEmpty() || volumes.stream().noneMatch(VolumeModel::hasReserve) || op.c() % 4 == 0;
        List<VolumeModel> from = any ? volumes : some;
        return from.get(op.where() % from.size());
    }

    private void perform(User user, Op op) {
        NbdClient client = user.client;
        if (swarm.strikes(Swarm.Kind.NET_RESETS, chance)) {
            counts.count("connection reset", op.kind().name());
            client.leave(NbdClient.End.RESET);
            return;
        }
        int[] range = range(op, client.volume().sizeBytes());
        long offset = (long) range[0] * Content.SECTOR_BYTES;
        long length = (long) range[1] * Content.SECTOR_BYTES;
        int fua = op.c() % 4 == 0 ? NbdFlags.CMD_FUA : 0;
        switch (op.kind()) {
            case WRITE -> write(client, op, fua, offset, length);
            case READ -> client.request(NbdCommand.READ, 0, offset, length, false);
            case FLUSH -> client.request(NbdCommand.FLUSH, 0, 0, 0, false);
            case TRIM -> client.request(NbdCommand.TRIM, fua, offset, length, false);
            case ZEROES -> client.request(NbdCommand.WRITE_ZEROES, fua | zeroFlags(op), offset, length, false);
            case CACHE -> {
                if (!client.volume().isClassic()) {
                    client.request(NbdCommand.CACHE, 0, offset, length, false);
                }
            }
            case STATUS -> {
                if (client.hasContexts()) {
                    client.request(NbdCommand.BLOCK_STATUS, 0, offset, length, false);
                }
            }
            case BAD -> bad(client, op);
            case LEAVE -> {
                NbdClient.End how = NbdClient.End.values()[op.a() % NbdClient.End.values().length];
                counts.count("client leaves", how.name());
                client.leave(how);
            }
            case LIE -> lie(client, op);
            default -> throw new IllegalStateException(op + " is no client's");
        }
    }

    /** Something new; of whole blocks now and then what somebody has written at the same place before. */
    private void write(NbdClient client, Op op, int fua, long offset, long length) {
        Command last = lastBlocks;
        boolean repeats = last != null
                && op.c() % 3 == 0
                && length >= BLOCK_BYTES
                && last.offsetBytes + last.lengthBytes <= client.volume().sizeBytes();
        Command sent = repeats
                ? client.request(NbdCommand.WRITE, fua, last.offsetBytes, last.lengthBytes, false, last.stamp())
                : client.request(NbdCommand.WRITE, fua, offset, length, false);
        if (!repeats && length >= BLOCK_BYTES && offset % BLOCK_BYTES == 0) {
            lastBlocks = sent;
        }
    }

    private static int zeroFlags(Op op) {
        return (op.b() % 3 == 0 ? NbdFlags.CMD_NO_HOLE : 0) | (op.b() % 5 == 0 ? NbdFlags.CMD_FAST_ZERO : 0);
    }

    /** Of whole sectors: now and then a hot one, whole blocks, or small. */
    private static int[] range(Op op, long sizeBytes) {
        int sectors = (int) (sizeBytes / Content.SECTOR_BYTES);
        int more = op.b() / 10;
        int length =
                switch (op.b() % 10) {
                    case 0, 1 -> BLOCK_SECTORS * (1 + more % 2);
                    case 2 -> 1 + more % (3 * BLOCK_SECTORS);
                    case 3, 4 -> 1 + more % BLOCK_SECTORS;
                    default -> 1 + more % 8;
                };
        length = Math.min(length, sectors);
        int room = sectors - length;
        int first =
                switch (op.a() % 10) {
                    case 0, 1, 2 -> op.a() / 10 % 16; // hot
                    case 3, 4, 5 -> op.a() / 10 % (room / BLOCK_SECTORS + 1) * BLOCK_SECTORS;
                    default -> op.a() / 10 % (room + 1);
                };
        return new int[] {Math.min(first, room), length};
    }

    /** Commands that are to be refused, and to change nothing. */
    private static void bad(NbdClient client, Op op) {
        long size = client.volume().sizeBytes();
        switch (op.a() % 5) {
            case 0 -> client.request(NbdCommand.READ, 0, size, 512, true);
            case 1 -> client.request(NbdCommand.WRITE, 0, size - 512, 1024, true);
            case 2 -> client.request(NbdCommand.TRIM, 0, size - 512, 4096, true);
            case 3 -> client.request(NbdCommand.WRITE_ZEROES, 0, size + 512L * (op.b() % 1000), 512, true);
            default -> client.request(NbdCommand.WRITE, 1 << 9, 0, 512, true);
        }
    }

    private void lie(NbdClient client, Op op) {
        if (!swarm.has(Swarm.Kind.LIES)) {
            return;
        }
        counts.count("client lies", "" + client.openCommands());
        if (op.a() % 2 == 0) {
            client.lieOfMore(BLOCK_BYTES, op.b() % BLOCK_BYTES);
        } else {
            byte[] nonsense = new byte[1 + op.a() % 200];
            for (int i = 0; i < nonsense.length; i++) {
                nonsense[i] = (byte) (op.b() >>> i % 24);
            }
            client.lie(nonsense);
        }
        world.after(chance.nextLong(1_000_000_000L), client, () -> client.leave(NbdClient.End.RESET));
    }
}
