package dev.gossamer.it.sim.faults;

import dev.gossamer.io.sim.PowerSupply;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.it.sim.world.SimSocket;
import dev.gossamer.it.sim.world.World;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdError;
import dev.gossamer.nbd.wire.NbdFlags;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;

/**
 * Somebody else's NBD server, on which the pool's data lies: it restarts and loses what was not flushed, answers late,
 * answers what was not asked, or with an error. What it has received it carries out at once.
 */
public final class RemoteServer implements World.Listener {
    private static final long OPTION_REPLY = 0x3e889045565a9L;
    private static final long GREETING = 0x4e42444d41474943L;
    private static final long OPTION = 0x49484156454F5054L;
    private static final int UNSUPPORTED = 0x80000001;
    private static final int GO = 7;
    private static final int INFO = 3;
    private static final int ACK = 1;
    private static final int REPLY = 0x67446698;
    private static final int HEADER_BYTES = 28;
    private static final long PATIENCE_NANOS = 30_000_000_000L;

    private final World world;
    private final World.Alive life;
    private final SimulatedDisk disk;
    private final PowerSupply power;
    private final Swarm swarm;
    private final FaultCounts counts;
    private final SplittableRandom chance;
    private final List<Connection> connections = new ArrayList<>();
    private final boolean several;
    private boolean up = true;
    private boolean faulty = true;
    private int breaks;
    private boolean mayFail;
    private final List<BooleanSupplier> failedFlushes = new ArrayList<>();

    /** @param port where a daemon finds it */
    public RemoteServer(
            int port,
            World world,
            World.Alive life,
            int lifeNumber,
            SimulatedDisk disk,
            PowerSupply power,
            Swarm swarm,
            FaultCounts counts) {
        this.power = power;
        this.world = world;
        this.life = life;
        this.disk = disk;
        this.swarm = swarm;
        this.counts = counts;
        chance = world.streams().of("remote-" + port + "-" + lifeNumber);
        several = chance.nextBoolean();
        world.listen(port, this);
    }

    /** From now on nothing goes wrong, and it is there. */
    public void heal() {
        faulty = false;
        up = true;
    }

    /** Time has leapt: whoever waited for it meanwhile may have lost his patience. */
    public void leapt() {
        mayFail = true;
    }

    /** Whether somebody has heard from it that what it had answered may be lost. */
    public boolean hasFailedFlush() {
        return failedFlushes.stream().anyMatch(BooleanSupplier::getAsBoolean);
    }

    /** Whether it has done something for which its clients may give up. */
    public boolean mayFail() {
        return mayFail || breaks > 3;
    }

    /** It fails for all together. */
    boolean hasPower() {
        return power.isOn();
    }

    @Override
    public boolean isUp() {
        return up;
    }

    @Override
    public void accepted(SimSocket end) {
        Connection connection = new Connection(end);
        connections.add(connection);
        end.onReadable(connection::read);
        connection.send(
                ByteBuffer.allocate(18).putLong(GREETING).putLong(OPTION).putShort((short) 3));
    }

    /** All connections are gone, and of its cache what a power cut leaves. */
    private void restart() {
        counts.count("remote server restarts", connections.size() + " connections");
        breaks++;
        up = false;
        connections.forEach(connection -> connection.end());
        connections.clear();
        if (chance.nextBoolean()) {
            disk.crash(chance);
        }
        boolean long_ = chance.nextInt(12) == 0;
        long away = long_ ? PATIENCE_NANOS + chance.nextLong(PATIENCE_NANOS) : chance.nextLong(3_000_000_000L);
        mayFail |= long_;
        world.note(15, away, 0, () -> "the remote server restarts, is away for " + away);
        world.after(away, life, () -> up = true);
    }

    private final class Connection {
        private final SimSocket socket;
        private ByteBuffer in = ByteBuffer.allocate(4096).limit(0);
        private final List<byte[]> unsent = new ArrayList<>();
        // Bytes since the beginning: to be sent, and sent.
        private long queued;
        private long sent;
        private boolean greeted;
        private boolean transmits;
        private boolean over;

        Connection(SimSocket socket) {
            this.socket = socket;
            socket.onRoom(this::sendMore);
        }

        void end() {
            over = true;
            socket.reset();
        }

        void send(ByteBuffer bytes) {
            byte[] data = new byte[bytes.flip().remaining()];
            bytes.get(data);
            unsent.add(data);
            queued += data.length;
            sendMore();
        }

        private void sendMore() {
            while (!over && !unsent.isEmpty() && !socket.isPeerGone()) {
                byte[] first = unsent.removeFirst();
                int room = Math.min(first.length, socket.room());
                if (room <= 0) {
                    unsent.addFirst(first);
                    return;
                }
                socket.send(Arrays.copyOf(first, room));
                sent += room;
                if (room < first.length) {
                    unsent.addFirst(Arrays.copyOfRange(first, room, first.length));
                }
            }
        }

        void read() {
            if (over || !life.isAlive() || !hasPower()) {
                return;
            }
            while (socket.available() > 0) {
                append(socket.read(1 << 20));
            }
            while (!over && take()) {
                // as many as there are
            }
            if (!over && (socket.isBroken() || socket.isAtEnd())) {
                over = true;
                socket.close();
                connections.remove(this);
            }
        }

        private void append(byte[] data) {
            if (in.capacity() - in.limit() < data.length) {
                ByteBuffer larger = ByteBuffer.allocate(2 * (in.remaining() + data.length) + 4096);
                larger.put(in).flip();
                in = larger;
            }
            int end = in.limit();
            in.limit(end + data.length).put(end, data);
        }

        private boolean take() {
            if (transmits) {
                return in.remaining() >= HEADER_BYTES && command();
            }
            if (!greeted) {
                if (in.remaining() < 4) {
                    return false;
                }
                in.getInt();
                greeted = true;
                return true;
            }
            int start = in.position();
            if (in.remaining() < 16 || in.remaining() < 16 + in.getInt(start + 12)) {
                return false;
            }
            int option = in.getInt(start + 8);
            in.position(start + 16 + in.getInt(start + 12));
            option(option);
            return true;
        }

        private void option(int option) {
            if (option != GO) {
                reply(option, UNSUPPORTED, ByteBuffer.allocate(0));
                return;
            }
            int flags = NbdFlags.HAS_FLAGS
                    | NbdFlags.SEND_FLUSH
                    | NbdFlags.SEND_FUA
                    | NbdFlags.SEND_TRIM
                    | NbdFlags.SEND_WRITE_ZEROES
                    | (several ? NbdFlags.CAN_MULTI_CONN : 0);
            long size = disk.geometry().sizeBytes();
            reply(
                    option,
                    INFO,
                    ByteBuffer.allocate(12).putShort((short) 0).putLong(size).putShort((short) flags));
            reply(option, ACK, ByteBuffer.allocate(0));
            transmits = true;
        }

        private void reply(int option, int type, ByteBuffer data) {
            send(ByteBuffer.allocate(20 + data.position())
                    .putLong(OPTION_REPLY)
                    .putInt(option)
                    .putInt(type)
                    .putInt(data.position())
                    .put(data.flip()));
        }

        private boolean command() {
            int start = in.position();
            int flags = in.getShort(start + 4);
            int type = in.getShort(start + 6);
            long cookie = in.getLong(start + 8);
            long offset = in.getLong(start + 16);
            int length = in.getInt(start + 24);
            int payload = type == NbdCommand.WRITE ? length : 0;
            if (in.remaining() < HEADER_BYTES + payload) {
                return false;
            }
            byte[] data = new byte[payload];
            in.position(start + HEADER_BYTES).get(data);
            if (faulty && swarm.strikes(Swarm.Kind.REMOTE_FAULTS, chance) && misbehaves(type, cookie)) {
                return true;
            }
            boolean fua = (flags & NbdFlags.CMD_FUA) != 0;
            byte[] answer = new byte[0];
            switch (type) {
                case NbdCommand.READ -> answer = disk.readNow(offset, length);
                case NbdCommand.WRITE -> disk.changeNow(offset, length, data, fua);
                case NbdCommand.TRIM, NbdCommand.WRITE_ZEROES -> disk.changeNow(offset, length, null, fua);
                case NbdCommand.FLUSH -> disk.flushNow();
                default -> {
                    over = true;
                    socket.close();
                    return false;
                }
            }
            answer(cookie, NbdError.OK, answer);
            return true;
        }

        private void answer(long cookie, int error, byte[] data) {
            answer(cookie, error, data, () -> {});
        }

        private void answer(long cookie, int error, byte[] data, Runnable whenQueued) {
            ByteBuffer bytes = ByteBuffer.allocate(16 + data.length)
                    .putInt(REPLY)
                    .putInt(error)
                    .putLong(cookie)
                    .put(data);
            boolean late = faulty && swarm.strikes(Swarm.Kind.REMOTE_FAULTS, chance);
            if (late) {
                counts.count("remote answers late", "any");
                breaks++;
            }
            long disc = swarm.diskNanos();
            long delay = late ? chance.nextLong(PATIENCE_NANOS / 2) : chance.nextLong(2 * disc);
            world.after(delay, life, () -> {
                send(bytes);
                whenQueued.run();
            });
        }

        /** True: the command is dealt with. */
        private boolean misbehaves(int type, long cookie) {
            return switch (chance.nextInt(8)) {
                case 0, 1, 2, 3 -> {
                    restart();
                    yield true;
                }
                case 4 -> {
                    counts.count("remote lies", "command " + type);
                    breaks++;
                    answer(cookie + 1 + chance.nextInt(1000), NbdError.OK, new byte[0]);
                    yield true;
                }
                case 5 -> {
                    counts.count("remote breaks off", "command " + type);
                    breaks++;
                    connections.remove(this);
                    end();
                    yield true;
                }
                case 6 -> {
                    counts.count("remote fails", "command " + type);
                    mayFail = true;
                    if (type == NbdCommand.FLUSH) {
                        disk.failFlush(chance);
                        answer(cookie, NbdError.EIO, new byte[0], () -> {
                            long end = queued;
                            failedFlushes.add(() -> sent - socket.unread() >= end);
                        });
                    } else {
                        answer(cookie, NbdError.EIO, new byte[0]);
                    }
                    yield true;
                }
                default -> false;
            };
        }
    }
}
