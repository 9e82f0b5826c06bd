package dev.gossamer.it.sim.load;

import dev.gossamer.it.sim.judge.Command;
import dev.gossamer.it.sim.judge.Content;
import dev.gossamer.it.sim.judge.Judge;
import dev.gossamer.it.sim.judge.Rules;
import dev.gossamer.it.sim.judge.Violation;
import dev.gossamer.it.sim.judge.Violation.Oracle;
import dev.gossamer.it.sim.judge.VolumeModel;
import dev.gossamer.it.sim.world.NetMood;
import dev.gossamer.it.sim.world.SimServerChannel;
import dev.gossamer.it.sim.world.SimSocket;
import dev.gossamer.it.sim.world.World;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdFlags;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** One connection of a client, from the handshake on, in bytes of its own making. */
@SuppressWarnings("EnumOrdinal") // for the history alone
final class NbdClient implements World.Alive {
    private static final long OPTION = 0x49484156454F5054L;
    private static final int REQUEST = 0x25609513;
    private static final int GREETING_BYTES = 18;
    private static final int OPTION_REPLY_BYTES = 20;
    private static final int ACK = 1;
    private static final int INFO = 3;
    private static final int GO = 7;
    private static final int STRUCTURED_REPLY = 8;
    private static final int SET_META_CONTEXT = 10;

    /** How a connection ends. */
    enum End {
        DISCONNECT,
        CLOSE,
        HALF_CLOSE,
        RESET
    }

    private enum State {
        GREETING,
        OPTIONS,
        TRANSMISSION,
        OVER
    }

    private final World world;
    private final Judge judge;
    private final String name;
    private final VolumeModel volume;
    private final boolean structured;
    private final boolean contexts;
    private final Runnable whenOver;
    private final ReplyParser replies;
    private final Map<Long, Command> open = new LinkedHashMap<>();
    private final List<byte[]> unsent = new ArrayList<>();
    private final long readPauseNanos;
    private SimSocket socket;
    private State state = State.GREETING;
    private int optionsLeft;
    private boolean finished;
    private boolean readOnly;
    private int transmission;
    private boolean wasOpen;
    private long begun;
    private int itsHost;
    private boolean readScheduled;
    private Runnable whenOpen = () -> {};
    private Runnable whenAnswered = () -> {};
    private ByteBuffer in = ByteBuffer.allocate(4096).limit(0);

    /** @param readPauseNanos between reads of the socket: a slow reader */
    NbdClient(
            World world,
            Judge judge,
            String name,
            VolumeModel volume,
            int dialect,
            long readPauseNanos,
            Runnable whenOver) {
        this.world = world;
        this.judge = judge;
        this.name = name;
        this.volume = volume;
        this.structured = dialect > 0;
        this.contexts = dialect > 1 && !volume.isClassic();
        this.readPauseNanos = readPauseNanos;
        this.whenOver = whenOver;
        replies = new ReplyParser(judge, structured, this::answered);
    }

    /** False if nobody listens. */
    boolean connect(NetMood mood, int host, Runnable opened) {
        whenOpen = opened;
        begun = judge.next();
        itsHost = host;
        socket = SimServerChannel.connect(world, mood, name, host);
        if (socket == null) {
            return false;
        }
        socket.onReadable(this::readSoon);
        socket.onRoom(this::sendMore);
        return true;
    }

    void onAnswer(Runnable action) {
        whenAnswered = action;
    }

    VolumeModel volume() {
        return volume;
    }

    int openCommands() {
        return open.size();
    }

    boolean isOpen() {
        return state == State.TRANSMISSION && !finished;
    }

    /** Whether it has ever come to transmission. */
    boolean wasOpen() {
        return wasOpen;
    }

    @Override
    public boolean isAlive() {
        return state != State.OVER;
    }

    // ---- to the server ----

    private void send(ByteBuffer bytes) {
        byte[] data = new byte[bytes.flip().remaining()];
        bytes.get(data);
        unsent.add(data);
        sendMore();
    }

    private void sendMore() {
        while (!unsent.isEmpty() && state != State.OVER) {
            byte[] first = unsent.getFirst();
            int room = Math.min(first.length, socket.room());
            if (socket.isPeerGone() || room <= 0) {
                return;
            }
            byte[] piece = java.util.Arrays.copyOf(first, room);
            socket.send(piece);
            if (room == first.length) {
                unsent.removeFirst();
            } else {
                unsent.set(0, java.util.Arrays.copyOfRange(first, room, first.length));
                world.after(1_000, this, this::sendMore);
                return;
            }
        }
    }

    private void option(int option, ByteBuffer data) {
        data.flip();
        optionsLeft++;
        send(ByteBuffer.allocate(16 + data.remaining())
                .putLong(OPTION)
                .putInt(option)
                .putInt(data.remaining())
                .put(data));
    }

    private void negotiate() {
        send(ByteBuffer.allocate(4).putInt(3));
        byte[] export = volume.name().getBytes(StandardCharsets.UTF_8);
        if (structured) {
            option(STRUCTURED_REPLY, ByteBuffer.allocate(0));
        }
        if (contexts) {
            byte[] context = "base:allocation".getBytes(StandardCharsets.UTF_8);
            option(
                    SET_META_CONTEXT,
                    ByteBuffer.allocate(12 + export.length + context.length)
                            .putInt(export.length)
                            .put(export)
                            .putInt(1)
                            .putInt(context.length)
                            .put(context));
        }
        option(
                GO,
                ByteBuffer.allocate(6 + export.length)
                        .putInt(export.length)
                        .put(export)
                        .putShort((short) 0));
        state = State.OPTIONS;
    }

    /** Sends a command; answered or not, the judge knows of it. */
    Command request(int type, int flags, long offset, long length, boolean malformed) {
        return request(type, flags, offset, length, malformed, 0);
    }

    /** @param stamp what a WRITE repeats; 0: nothing */
    Command request(int type, int flags, long offset, long length, boolean malformed, long stamp) {
        boolean refused = malformed
                || (readOnly && type != NbdCommand.READ && type != NbdCommand.FLUSH)
                || (type == NbdCommand.TRIM && (transmission & NbdFlags.SEND_TRIM) == 0)
                || ((flags & NbdFlags.CMD_FAST_ZERO) != 0 && (transmission & NbdFlags.SEND_FAST_ZERO) == 0);
        Command command = judge.sent(volume, type, flags, offset, length, refused, stamp);
        open.put(command.cookie, command);
        boolean data = type == NbdCommand.WRITE;
        ByteBuffer bytes = ByteBuffer.allocate(28 + (data ? (int) length : 0))
                .putInt(REQUEST)
                .putShort((short) flags)
                .putShort((short) type)
                .putLong(command.cookie)
                .putLong(offset)
                .putInt((int) length);
        if (data) {
            int sectors = (int) (length / Content.SECTOR_BYTES);
            bytes.put(Content.of(command.stamp(), offset / Content.SECTOR_BYTES, sectors));
        }
        world.note(6, command.cookie, type, () -> name + " sends " + command);
        send(bytes);
        return command;
    }

    boolean hasContexts() {
        return contexts;
    }

    /** Bytes that are no command. */
    void lie(byte[] nonsense) {
        send(ByteBuffer.allocate(nonsense.length).put(nonsense));
        finished = true;
    }

    /** A WRITE at the volume's beginning that never comes whole. */
    void lieOfMore(int length, int sent) {
        lie(ByteBuffer.allocate(28 + sent)
                .putInt(REQUEST)
                .putShort((short) 0)
                .putShort((short) NbdCommand.WRITE)
                .putLong(-1)
                .putLong(0)
                .putInt(length)
                .array());
    }

    /** Leaves. After DISCONNECT and HALF_CLOSE it still takes its replies. */
    void leave(End how) {
        if (state == State.OVER || (finished && how != End.RESET)) {
            return;
        }
        world.note(7, how.ordinal(), 0, () -> name + " leaves: " + how);
        finished = true;
        switch (how) {
            case DISCONNECT -> {
                send(ByteBuffer.allocate(28)
                        .putInt(REQUEST)
                        .putShort((short) 0)
                        .putShort((short) NbdCommand.DISC)
                        .putLong(0)
                        .putLong(0)
                        .putInt(0));
            }
            case HALF_CLOSE -> {
                if (unsent.isEmpty()) {
                    socket.shutDownOutput();
                } else {
                    over(false);
                }
            }
            case CLOSE -> over(false);
            case RESET -> over(true);
        }
    }

    /** Its server is gone, with all that was on the way. */
    void vanish() {
        state = State.OVER;
    }

    private void over(boolean reset) {
        if (state == State.OVER) {
            return;
        }
        state = State.OVER;
        if (reset) {
            socket.reset();
        } else {
            socket.close();
        }
        open.values().forEach(judge::forget);
        open.clear();
        unsent.clear();
        whenOver.run();
    }

    // ---- from the server ----

    private void readSoon() {
        if (readPauseNanos == 0) {
            read();
        } else if (!readScheduled) {
            readScheduled = true;
            world.after(readPauseNanos, this, () -> {
                readScheduled = false;
                read();
            });
        }
    }

    private void read() {
        if (state == State.OVER) {
            return;
        }
        for (int pieces = 0; socket.available() > 0; pieces++) {
            if (readPauseNanos > 0 && pieces > 0) {
                readSoon();
                return;
            }
            append(socket.read(1 << 20));
        }
        while (state != State.OVER && takeOne()) {
            // as many as there are
        }
        if (socket.isBroken() || socket.isAtEnd()) {
            over(false);
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

    private boolean takeOne() {
        return switch (state) {
            case GREETING -> {
                if (in.remaining() < GREETING_BYTES) {
                    yield false;
                }
                in.position(in.position() + GREETING_BYTES);
                negotiate();
                yield true;
            }
            case OPTIONS -> in.remaining() >= OPTION_REPLY_BYTES && optionReply();
            case TRANSMISSION -> replies.take(in);
            case OVER -> false;
        };
    }

    private boolean optionReply() {
        int start = in.position();
        int type = in.getInt(start + 12);
        int length = in.getInt(start + 16);
        if (in.remaining() < OPTION_REPLY_BYTES + length) {
            return false;
        }
        in.position(start + OPTION_REPLY_BYTES + length);
        if (type < 0) {
            over(false); // the export is gone, or the server stops
        } else if (type == ACK && --optionsLeft == 0) {
            state = State.TRANSMISSION;
            wasOpen = true;
            checkRights();
            world.note(8, 0, 0, () -> name + " has opened " + volume);
            whenOpen.run();
        } else if (type == INFO && in.getShort(start + OPTION_REPLY_BYTES) == 0) {
            transmission = in.getShort(start + OPTION_REPLY_BYTES + 10);
            readOnly = (transmission & NbdFlags.READ_ONLY) != 0;
            long size = in.getLong(start + OPTION_REPLY_BYTES + 2);
            if (size != volume.sizeBytes() && volume.sizedAt() < begun && !judge.hasPending()) {
                throw new Violation(
                        Oracle.REPLY, volume + " has " + size + " bytes, should have " + volume.sizeBytes());
            }
        }
        return true;
    }

    private void checkRights() {
        Rules.Rights rights = judge.rules().of(itsHost, begun);
        if (rights == Rules.Rights.NONE || (rights == Rules.Rights.READ_ONLY && !readOnly)) {
            throw new Violation(
                    Oracle.REPLY, name + " of host " + itsHost + " may do more than rules allow: " + rights);
        }
    }

    private void answered(Command command, int error) {
        if (open.remove(command.cookie) == null) {
            throw new Violation(Oracle.REPLY, name + " hears of " + command + ", which it did not send");
        }
        world.note(9, command.cookie, error, () -> name + " hears " + error + " for " + command);
        judge.answered(command, error);
        whenAnswered.run();
    }
}
