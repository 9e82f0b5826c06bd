package dev.gossamer.it.sim.world;

/** One end of a connection. */
public final class SimSocket {
    private final Pipe in;
    private final Pipe out;
    private final String name;
    private boolean closed;

    private SimSocket(Pipe in, Pipe out, String name) {
        this.in = in;
        this.out = out;
        this.name = name;
    }

    String name() {
        return name;
    }

    /** Both ends: the client's and the server's. */
    static SimSocket[] pair(World world, NetMood mood, String name) {
        Pipe up = new Pipe(world, mood, world.streams().of("link-up-" + name));
        Pipe down = new Pipe(world, mood, world.streams().of("link-down-" + name));
        return new SimSocket[] {new SimSocket(down, up, name), new SimSocket(up, down, "server of " + name)};
    }

    /** Called outside of all loops when there may be something to read: bytes, the end, or a broken connection. */
    public void onReadable(Runnable action) {
        in.onReadable(action);
    }

    /** Called when there may be room to send again. */
    public void onRoom(Runnable action) {
        out.onRoom(action);
    }

    public int room() {
        return out.room();
    }

    /** Of all that was sent here so much the peer has not read. */
    public long unread() {
        return out.unread();
    }

    public boolean isPeerGone() {
        return out.isReaderGone();
    }

    public void send(byte[] data) {
        out.send(data);
    }

    public int available() {
        return in.available();
    }

    public boolean isAtEnd() {
        return in.isAtEnd();
    }

    /** The peer sends no more, whether everything was read or not. */
    public boolean hasEnded() {
        return in.hasEnded();
    }

    public boolean isBroken() {
        return in.isBroken();
    }

    public byte[] read(int maximum) {
        return in.read(maximum);
    }

    /** Sends no more, still reads. */
    public void shutDownOutput() {
        out.end();
    }

    /** In good order: the peer reads what was sent, then the end. Unread bytes make a reset of it, as in TCP. */
    public void close() {
        if (!closed) {
            closed = true;
            in.abandon();
            if (in.available() > 0) {
                out.reset();
            } else {
                out.end();
            }
        }
    }

    /** The peer learns of it as a broken connection. */
    public void reset() {
        if (!closed) {
            closed = true;
            in.abandon();
            out.reset();
        }
    }
}
