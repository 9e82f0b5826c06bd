package dev.gossamer.daemon.server.connection;

import dev.gossamer.daemon.server.export.OpenExport;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.Wakeup;
import dev.gossamer.nbd.wire.NbdRequest;
import java.util.function.IntConsumer;
import java.util.function.ObjIntConsumer;

/**
 * What is left of a CACHE once the next command arrives. It ends once: who was asked for it may have thrown, and answer
 * all the same. Confined to the connection's event loop.
 */
final class CacheCommand implements IntConsumer, Runnable {
    private final long cookie;
    private final long offsetBytes;
    private final long beganNanos;
    private ObjIntConsumer<CacheCommand> ended;

    /** @param ended told with the errno */
    CacheCommand(NbdRequest command, long beganNanos, ObjIntConsumer<CacheCommand> ended) {
        this.cookie = command.cookie();
        this.offsetBytes = command.sentOffsetBytes();
        this.beganNanos = beganNanos;
        this.ended = ended;
    }

    /** Asks the export; whatever that does, this ends. */
    void ask(OpenExport export, IoLoop loop, NbdRequest command, ConnectionLog log) {
        try {
            export.prefetch(loop, command.offsetBytes(), command.lengthBytes(), this);
        } catch (RuntimeException | Error fault) {
            log.failed(fault);
            Wakeup.call(loop, this); // not inside the decoder
        }
    }

    @Override
    public void accept(int errno) {
        ObjIntConsumer<CacheCommand> told = ended;
        ended = null;
        if (told != null) {
            told.accept(this, errno);
        }
    }

    /** Who could not even be asked has failed. As a task of its own it needs no memory for another one. */
    @Override
    public void run() {
        accept(Errno.EIO);
    }

    long cookie() {
        return cookie;
    }

    /** As the client sent it. */
    long offsetBytes() {
        return offsetBytes;
    }

    /** When it arrived, in the loop's time. */
    long beganNanos() {
        return beganNanos;
    }
}
