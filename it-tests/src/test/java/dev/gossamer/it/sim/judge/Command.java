package dev.gossamer.it.sim.judge;

/** An NBD command as its client sent it, and what has become of it. */
public final class Command {
    public final long cookie;
    public final int type;
    public final int flags;
    public final long offsetBytes;
    public final long lengthBytes;
    final VolumeModel volume;
    final Change change;
    final boolean malformed;
    long sent;

    /** What a READ has brought so far, and how many bytes of it. */
    public byte[] data;

    public long arrivedBytes;
    /** Of a structured reply: from an error chunk. */
    public int error;

    Command(
            long cookie,
            int type,
            int flags,
            long offset,
            long length,
            VolumeModel volume,
            Change change,
            boolean bad) {
        this.cookie = cookie;
        this.type = type;
        this.flags = flags;
        this.offsetBytes = offset;
        this.lengthBytes = length;
        this.volume = volume;
        this.change = change;
        this.malformed = bad;
    }

    /** Names what a WRITE writes. */
    public long stamp() {
        return change.stamp;
    }

    @Override
    public String toString() {
        String[] names = {"READ", "WRITE", "DISC", "FLUSH", "TRIM", "CACHE", "WRITE_ZEROES", "BLOCK_STATUS"};
        return (type < names.length ? names[type] : "command " + type) + " " + offsetBytes + "+" + lengthBytes
                + (flags == 0 ? "" : " flags=" + flags) + " of " + volume + " #" + cookie;
    }
}
