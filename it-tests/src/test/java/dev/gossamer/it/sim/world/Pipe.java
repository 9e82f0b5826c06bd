package dev.gossamer.it.sim.world;

import java.util.ArrayDeque;
import java.util.SplittableRandom;

/** One direction of a connection: bytes arrive late, in order, and no more than the receiver has room for. */
final class Pipe {
    /** As small as kernels make them, so that senders have to wait. */
    static final int ROOM_BYTES = 64 << 10;

    private final World world;
    private final NetMood mood;
    private final SplittableRandom random;
    private final ArrayDeque<byte[]> arrived = new ArrayDeque<>();
    private int readOfFirst;
    private int arrivedBytes;
    private int underWay;
    private long lost;
    private long lastArrivalNanos;
    private boolean ended;
    private boolean broken;
    private boolean readerGone;
    private Runnable whenReadable = () -> {};
    private Runnable whenRoom = () -> {};

    Pipe(World world, NetMood mood, SplittableRandom random) {
        this.world = world;
        this.mood = mood;
        this.random = random;
    }

    void onReadable(Runnable action) {
        whenReadable = action;
    }

    void onRoom(Runnable action) {
        whenRoom = action;
    }

    /** How much the sender may hand over now; what is more is refused. */
    int room() {
        int room = ROOM_BYTES - arrivedBytes - underWay;
        return Math.min(room, mood.piece(random));
    }

    boolean isReaderGone() {
        return readerGone;
    }

    void send(byte[] data) {
        underWay += data.length;
        later(() -> {
            underWay -= data.length;
            if (!broken && !readerGone) {
                arrived.add(data);
                arrivedBytes += data.length;
                whenReadable.run();
            } else {
                lost += data.length;
            }
        });
    }

    /** Of what was sent so much has not been read, or never will be. */
    long unread() {
        return lost + arrivedBytes + underWay;
    }

    /** The sender sends no more. */
    void end() {
        later(() -> {
            ended = true;
            whenReadable.run();
        });
    }

    /** The sender is gone without a word: what was not read is lost. */
    void reset() {
        later(() -> {
            broken = true;
            arrived.clear();
            lost += arrivedBytes;
            arrivedBytes = 0;
            whenReadable.run();
        });
    }

    /** The receiver reads no more; whoever sends finds out. */
    void abandon() {
        readerGone = true;
        later(whenRoom);
    }

    private void later(Runnable task) {
        lastArrivalNanos = Math.max(lastArrivalNanos, world.nowNanos() + mood.delayNanos(random));
        world.after(lastArrivalNanos - world.nowNanos(), World.Alive.ALWAYS, task);
    }

    int available() {
        return arrivedBytes;
    }

    /** Everything that was sent has been read, and no more comes. */
    boolean isAtEnd() {
        return ended && arrivedBytes == 0;
    }

    boolean hasEnded() {
        return ended;
    }

    boolean isBroken() {
        return broken;
    }

    /** At most so many bytes; empty if there are none. */
    byte[] read(int maximum) {
        byte[] first = arrived.peek();
        if (first == null) {
            return new byte[0];
        }
        int limit = Math.min(maximum, mood.piece(random));
        int length = Math.min(limit, first.length - readOfFirst);
        byte[] data = new byte[length];
        System.arraycopy(first, readOfFirst, data, 0, length);
        readOfFirst += length;
        if (readOfFirst == first.length) {
            arrived.poll();
            readOfFirst = 0;
        }
        boolean wasFull = arrivedBytes + underWay >= ROOM_BYTES / 2;
        arrivedBytes -= length;
        if (wasFull) {
            later(whenRoom);
        }
        return data;
    }
}
