package dev.gossamer.daemon.server.connection;

import dev.gossamer.daemon.server.stream.ConnectionLife;
import dev.gossamer.daemon.server.stream.ReplyData;
import dev.gossamer.daemon.server.stream.SlabView;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.nbd.wire.NbdRequest;
import java.util.function.IntConsumer;

/**
 * What the client is told of the end of each command, and what is counted of it. The one place that asks whether
 * there is still anybody to tell: once the end of the connection has begun, memory is given back and nothing is sent.
 * Confined to the connection's event loop.
 */
final class Answers {
    private final ConnectionLife life;
    private final ReplyWriter replies;
    private final ConnectionCounters counters;
    private final HeldMemory memory;
    private final SlabView slab;
    private final IntConsumer dataSent;
    private final RequestWatch watch;
    private final String exportName;

    /** @param dataSent told how much memory was given back, once the data of a reply has left or never will */
    Answers(
            ConnectionLife life,
            ReplyWriter replies,
            ConnectionCounters counters,
            HeldMemory memory,
            SlabView slab,
            IntConsumer dataSent,
            RequestWatch watch,
            String exportName) {
        this.life = life;
        this.replies = replies;
        this.counters = counters;
        this.memory = memory;
        this.slab = slab;
        this.dataSent = dataSent;
        this.watch = watch;
        this.exportName = exportName;
    }

    /** A request has come back from the device. Its buffer is this object's from here on, the request is not. */
    void completed(BlockRequest request, int errno) {
        BlockOperation operation = request.operation();
        IoBuffer buffer = request.buffer();
        ReplyData data = null;
        try {
            note(request, errno);
            if (operation == BlockOperation.READ && errno == Errno.OK && life.maySend()) {
                data = slab.replyData(dataSent, buffer, (int) request.lengthBytes());
            }
        } catch (RuntimeException | Error fault) {
            memory.giveBack(buffer);
            throw fault;
        }
        if (data != null) {
            SparseRead sparse = request.note(SparseRead.class);
            counters.countRead(
                    sparse != null
                            ? replies.sparseRead(request.tag(), request.offsetBytes(), data, sparse.layout)
                            : replies.dataRead(request.tag(), request.offsetBytes(), data));
            return;
        }
        if (operation == BlockOperation.WRITE && errno == Errno.OK) {
            counters.countWritten(request.lengthBytes());
        } else if (operation == BlockOperation.DISCARD && errno == Errno.OK) {
            counters.countDiscarded(request.lengthBytes());
        }
        memory.giveBack(buffer);
        if (errno == Errno.OK) {
            done(request.tag(), request.tagOffsetBytes());
        } else if (life.maySend()) {
            replies.failedAt(
                    operation == BlockOperation.READ ? request.failedPartOffsetBytes() : BlockRequest.NO_PART,
                    BlockCommands.command(operation),
                    NbdErrnoMap.toNbdError(errno, request.flags()),
                    request.tag(),
                    request.tagOffsetBytes(),
                    "device reported " + Errno.name(errno));
        }
    }

    private void note(BlockRequest request, int errno) {
        NbdOperation command = NbdOperation.of(request.operation());
        counters.countRequest(command);
        watch.completed(command, exportName, request);
        if (errno != Errno.OK) {
            counters.countError(command);
            // What was given up because its client has gone is nobody's fault (T51a).
            if (errno != Errno.ESHUTDOWN || life.maySend()) {
                watch.faults().requestFailed(exportName, request, errno);
            }
        }
    }

    /** A command that returns no data has succeeded. */
    void done(long cookie, long sentOffsetBytes) {
        if (life.maySend()) {
            replies.done(cookie, sentOffsetBytes);
        }
    }

    /** A READ of nothing, or of a range where nothing is mapped. */
    void readWithoutData(NbdRequest command) {
        counters.countRequest(NbdOperation.READ);
        watch.answered(NbdOperation.READ, 0);
        if (!life.maySend()) {
            return;
        }
        if (command.lengthBytes() == 0) {
            replies.nothingRead(command.cookie(), command.sentOffsetBytes());
        } else {
            replies.holeRead(command.cookie(), command.offsetBytes(), command.lengthBytes());
        }
    }

    /** A CACHE has ended, after so long. */
    void prefetched(int errno, long cookie, long sentOffsetBytes, long nanos) {
        counters.countRequest(NbdOperation.CACHE);
        watch.answered(NbdOperation.CACHE, nanos);
        if (errno == Errno.OK) {
            done(cookie, sentOffsetBytes);
        } else {
            noMappings(NbdOperation.CACHE, errno, cookie, sentOffsetBytes);
        }
    }

    /** A BLOCK_STATUS has ended. */
    void status(StatusQueries.Asked asked) {
        int errno = asked.query().errno();
        counters.countRequest(NbdOperation.BLOCK_STATUS);
        watch.answered(NbdOperation.BLOCK_STATUS, asked.nanos());
        if (errno == Errno.OK && life.maySend()) {
            ReplyData room;
            try {
                room = slab.replyData(dataSent, asked.memory(), 0);
            } catch (RuntimeException | Error noMemory) {
                memory.giveBack(asked.memory());
                throw noMemory;
            }
            replies.status(asked.cookie(), asked.offsetBytes(), asked.query(), asked.contextIds(), room);
            return;
        }
        memory.giveBack(asked.memory());
        if (errno != Errno.OK) {
            noMappings(NbdOperation.BLOCK_STATUS, errno, asked.cookie(), asked.offsetBytes());
        }
    }

    private void noMappings(NbdOperation operation, int errno, long cookie, long sentOffsetBytes) {
        counters.countError(operation);
        if (life.maySend()) {
            String text = "mappings cannot be read: " + Errno.name(errno);
            replies.failed(operation.command(), NbdErrnoMap.toNbdError(errno, 0), cookie, sentOffsetBytes, text);
        }
    }

    /** A command was not executed. */
    void refused(NbdRequest command, int nbdError, String text) {
        counters.countError(NbdOperation.ofCommand(command.command()));
        if (life.maySend()) {
            replies.failed(command.command(), nbdError, command.cookie(), command.sentOffsetBytes(), text);
        }
    }
}
