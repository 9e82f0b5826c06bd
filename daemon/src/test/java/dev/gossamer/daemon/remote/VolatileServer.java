package dev.gossamer.daemon.remote;

import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdError;
import dev.gossamer.nbd.wire.NbdFlags;
import dev.gossamer.nbd.wire.NbdOption;
import dev.gossamer.nbd.wire.NbdReply;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * An NBD server with a volatile cache: {@link #crash} takes back whatever no FLUSH or FUA has made stable, as a machine
 * does that loses its power. Simple replies, a thread per connection. A test can make it worse in several ways.
 */
final class VolatileServer implements AutoCloseable {
    static final int FLAGS = NbdFlags.HAS_FLAGS
            | NbdFlags.SEND_FLUSH
            | NbdFlags.SEND_FUA
            | NbdFlags.SEND_TRIM
            | NbdFlags.SEND_WRITE_ZEROES;

    /** Decides about a command before it is carried out: an error of {@link NbdError}, or {@link #HANG_UP}. */
    interface Rule {
        int judge(int command, int flags, long offsetBytes, int lengthBytes);
    }

    /** Closes the connection instead of answering. */
    static final int HANG_UP = -1;

    /** Neither answers nor closes. */
    static final int SILENCE = -2;

    private final Path socket;
    private byte[] cache;
    private byte[] stable;
    private int flags = FLAGS;
    private int maximumPayloadBytes = 32 << 20;
    private int connectionLimit = Integer.MAX_VALUE;
    private Rule rule = (command, commandFlags, offset, length) -> NbdError.OK;
    private final List<SocketChannel> connections = new ArrayList<>();
    private ServerSocketChannel listener;
    private int accepted;
    private int flushes;

    VolatileServer(Path socket, int sizeBytes) {
        this.socket = socket;
        this.cache = new byte[sizeBytes];
        this.stable = new byte[sizeBytes];
    }

    String uri() {
        return "nbd+unix:///?socket=" + socket;
    }

    synchronized VolatileServer withFlags(int newFlags) {
        flags = newFlags;
        return this;
    }

    synchronized VolatileServer withMaximumPayload(int bytes) {
        maximumPayloadBytes = bytes;
        return this;
    }

    synchronized VolatileServer withConnectionLimit(int limit) {
        connectionLimit = limit;
        return this;
    }

    synchronized void setRule(Rule newRule) {
        rule = newRule;
    }

    synchronized void setSize(int sizeBytes) {
        cache = Arrays.copyOf(cache, sizeBytes);
        stable = Arrays.copyOf(stable, sizeBytes);
    }

    synchronized VolatileServer start() throws IOException {
        Files.deleteIfExists(socket);
        listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        listener.bind(UnixDomainSocketAddress.of(socket));
        ServerSocketChannel mine = listener;
        Thread.ofVirtual().start(() -> accept(mine));
        return this;
    }

    /** Everything that is not stable is gone, and so are all connections. */
    synchronized void crash() throws IOException {
        cache = stable.clone();
        listener.close();
        for (SocketChannel connection : connections) {
            connection.close();
        }
        connections.clear();
    }

    synchronized byte[] stable() {
        return stable.clone();
    }

    synchronized int accepted() {
        return accepted;
    }

    synchronized int flushes() {
        return flushes;
    }

    synchronized int open() {
        return connections.size();
    }

    @Override
    public synchronized void close() throws IOException {
        crash();
    }

    private void accept(ServerSocketChannel from) {
        try {
            while (true) {
                SocketChannel connection = from.accept();
                synchronized (this) {
                    accepted++;
                    if (!from.equals(listener) || connections.size() >= connectionLimit) {
                        connection.close();
                        continue;
                    }
                    connections.add(connection);
                }
                Thread.ofVirtual().start(() -> serve(connection));
            }
        } catch (IOException e) {
            return; // crashed
        }
    }

    private void serve(SocketChannel connection) {
        try (connection;
                DataInputStream in =
                        new DataInputStream(new BufferedInputStream(Channels.newInputStream(connection), 1 << 16));
                DataOutputStream out =
                        new DataOutputStream(new BufferedOutputStream(Channels.newOutputStream(connection), 1 << 16))) {
            negotiate(in, out);
            while (command(connection, in, out)) {
                if (in.available() == 0) {
                    out.flush();
                }
            }
        } catch (IOException e) {
            // The client is gone, or we have crashed.
        }
        synchronized (this) {
            connections.remove(connection);
        }
    }

    private void negotiate(DataInputStream in, DataOutputStream out) throws IOException {
        out.writeLong(0x4e42444d41474943L);
        out.writeLong(0x49484156454F5054L);
        out.writeShort(3);
        out.flush();
        in.readInt();
        int option;
        do {
            in.readLong();
            option = in.readInt();
            in.skipNBytes(in.readInt());
            if (option == NbdOption.GO) {
                writeInfo(out);
            }
            reply(out, option, option == NbdOption.GO ? NbdReply.ACK : NbdReply.ERR_UNSUP, 0);
            out.flush();
        } while (option != NbdOption.GO);
    }

    private synchronized void writeInfo(DataOutputStream out) throws IOException {
        reply(out, NbdOption.GO, NbdReply.INFO, 12);
        out.writeShort(0);
        out.writeLong(cache.length);
        out.writeShort(flags);
        reply(out, NbdOption.GO, NbdReply.INFO, 14);
        out.writeShort(3);
        out.writeInt(512);
        out.writeInt(4096);
        out.writeInt(maximumPayloadBytes);
    }

    private static void reply(DataOutputStream out, int option, int type, int length) throws IOException {
        out.writeLong(0x3e889045565a9L);
        out.writeInt(option);
        out.writeInt(type);
        out.writeInt(length);
    }

    private boolean command(SocketChannel connection, DataInputStream in, DataOutputStream out) throws IOException {
        in.readInt();
        int commandFlags = in.readUnsignedShort();
        int command = in.readUnsignedShort();
        long cookie = in.readLong();
        long offset = in.readLong();
        int length = in.readInt();
        byte[] data = command == NbdCommand.WRITE ? in.readNBytes(length) : new byte[0];
        if (command == NbdCommand.DISC || (command == NbdCommand.WRITE && data.length < length)) {
            return false;
        }
        synchronized (this) {
            if (!connections.contains(connection)) {
                return false; // what arrives after the crash is not carried out
            }
            int error = rule.judge(command, commandFlags, offset, length);
            if (error == HANG_UP) {
                return false;
            }
            if (error == SILENCE) {
                return true;
            }
            boolean tooLong =
                    length > maximumPayloadBytes && (command == NbdCommand.READ || command == NbdCommand.WRITE);
            byte[] answer = error == NbdError.OK && !tooLong
                    ? carryOut(command, commandFlags, (int) offset, length, data)
                    : new byte[0];
            out.writeInt(0x67446698);
            out.writeInt(tooLong ? NbdError.EINVAL : error);
            out.writeLong(cookie);
            out.write(answer);
            return true;
        }
    }

    private byte[] carryOut(int command, int commandFlags, int offset, int length, byte[] data) {
        switch (command) {
            case NbdCommand.READ -> {
                return Arrays.copyOfRange(cache, offset, offset + length);
            }
            case NbdCommand.WRITE -> System.arraycopy(data, 0, cache, offset, length);
            case NbdCommand.FLUSH -> {
                flushes++;
                stable = cache.clone();
            }
            default -> Arrays.fill(cache, offset, offset + length, (byte) 0);
        }
        if ((commandFlags & NbdFlags.CMD_FUA) != 0) {
            System.arraycopy(cache, offset, stable, offset, length);
        }
        return new byte[0];
    }
}
