package dev.gossamer.daemon.server.connection;

import dev.gossamer.daemon.server.access.PeerName;
import dev.gossamer.daemon.server.export.OpenExport;
import dev.gossamer.daemon.server.stream.ClientStream;
import dev.gossamer.daemon.server.stream.ReplyData;
import dev.gossamer.daemon.server.stream.SlabView;
import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.Invariant;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.nbd.handshake.NegotiatedExport;
import dev.gossamer.nbd.transmission.RequestDecoder;
import dev.gossamer.nbd.transmission.RequestSink;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdError;
import dev.gossamer.nbd.wire.NbdFlags;
import dev.gossamer.nbd.wire.NbdRequest;
import io.netty.buffer.ByteBuf;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntConsumer;
import java.util.function.LongConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One client in transmission: turns its commands into block requests and their completions into replies, in the order
 * in which they complete. Confined to the connection's event loop, which is the {@link IoLoop} of its requests too.
 *
 * <ol>
 *   <li>{@code OPEN}: commands are executed as they come, all at the same time. Too many of them, no memory for their
 *       data or replies that the peer does not take: reading stops until that changes.
 *   <li>{@code DRAINING}: the server stops, or the export is taken away. What is under way ends, what comes is answered
 *       ESHUTDOWN (T64, T65).
 *   <li>{@code FINISHING}: the client said goodbye or sends no more; nothing is read. When nothing is under way and all
 *       replies are sent, the channel is closed (T35, T37).
 *   <li>{@code CLOSED}: the channel is gone. Nothing is started (T51a); when nothing is under way the device is closed.
 * </ol>
 */
public final class NbdConnection implements RequestSink, ClientStream.Listener {
    private static final Logger LOG = LoggerFactory.getLogger(NbdConnection.class);

    private enum State {
        OPEN,
        DRAINING,
        FINISHING,
        CLOSED
    }

    private final IoLoop loop;
    private final SlabView slab;
    private final OpenExport export;
    private final BlockDevice device;
    private final StatusQueries statusQueries;
    private final NegotiatedExport negotiated;
    private final ConnectionLimits limits;
    private final LongConsumer ended;
    private final FaultLog faultLog;
    private final RequestDecoder decoder;
    private final ConnectionCounters counters = new ConnectionCounters();
    private final Instant openedAt = Instant.now();
    private final CompletableFuture<Void> over = new CompletableFuture<>();
    private final long id;
    private final PeerName peer;
    private final BlockCompletion completion = this::completed;
    private final Runnable resumeTask = this::resume;
    private final Runnable retryMemoryTask = this::retryMemory;
    private final IntConsumer replyDataSent = this::replyDataSent;
    private final Runnable memoryReleased = this::onMemoryReleased;

    private ClientStream stream;
    private ReplyWriter replies;
    private StallDetector stallDetector;
    private State state = State.OPEN;
    // What the last READ found; a sparse one takes it along. Those that came back follow by next.
    private SparseRead layout = new SparseRead();
    private boolean decoding;
    // Whether the stream delivers what arrives; if not, resume() sees to it again.
    private boolean reading = true;
    private boolean finishCalled;
    private boolean deviceClosed;
    private boolean waitingForMemory;
    private int inFlight;
    private long heldBytes;
    // The command between begin and ready; null if it needs no device.
    private BlockRequest begun;
    private int begunPayloadBytes;
    private int immediateError;

    /**
     * @param export closed once, when the connection is over and its last request done
     * @param ended told the connection's id after that
     */
    public NbdConnection(
            long id,
            IoLoop loop,
            SlabView slab,
            OpenExport export,
            NegotiatedExport negotiated,
            PeerName peer,
            ConnectionLimits limits,
            LongConsumer ended,
            FaultLog faultLog) {
        this.id = id;
        this.loop = loop;
        this.slab = slab;
        this.export = export;
        this.device = export.device();
        this.negotiated = negotiated;
        this.peer = peer;
        this.limits = limits;
        this.ended = ended;
        this.faultLog = faultLog;
        this.decoder = new RequestDecoder(negotiated, device::sizeBytes, this);
        this.statusQueries = new StatusQueries(loop, export, negotiated.contexts(), this::statusAnswered);
    }

    public ConnectionCounters counters() {
        return counters;
    }

    /** Callable from any thread that got the connection from the registry. */
    ConnectionInfo info() {
        return new ConnectionInfo(id, export.name(), peer.address(), openedAt, counters);
    }

    public String peer() {
        return peer.address();
    }

    /** Whether the client would miss a volume. Any thread. */
    boolean uses(String volume) {
        return export.uses(volume);
    }

    /** Completes when the device has been given back. */
    public CompletableFuture<Void> whenOver() {
        return over;
    }

    // ---- life ----

    /** Begins to serve the client behind a stream, which delivers nothing before. On the loop, once. */
    public void begin(ClientStream itsStream) {
        stream = itsStream;
        replies = new ReplyWriter(stream, negotiated);
        stallDetector = new StallDetector(stream);
        LOG.info(
                "export opened name={} peer={} identity={} mode={} connection={}",
                negotiated.export().name(),
                peer.address(),
                peer.identity(),
                (negotiated.transmissionFlags() & NbdFlags.READ_ONLY) == 0 ? "read-write" : "read-only",
                id);
    }

    /** A quarter of the stall time has passed. On any thread. */
    void checkProgress() {
        loop.execute(() -> {
            if (state != State.CLOSED) {
                String why = stallDetector.look(missingPayloadBytes());
                if (why != null) {
                    drop(why);
                }
            }
        });
    }

    /** The server stops, or takes the export away: see {@link State#DRAINING}. On any thread. */
    public void drain() {
        // After what made this connection and its stream, which runs on the same loop.
        loop.execute(() -> {
            if (state == State.OPEN) {
                state = State.DRAINING;
                waitingForMemory = false;
                resume();
                endIfIdle();
            }
        });
    }

    /** Closes without waiting for anything. On any thread. */
    public void drop(String why) {
        LOG.info("connection dropped peer={} connection={} why={}", peer.address(), id, why);
        loop.execute(() -> stream.close());
    }

    /** As {@link #drop}, if there is something to close. */
    public void dropIfOpen(String why) {
        if (!over.isDone()) {
            drop(why);
        }
    }

    @Override
    public void closed() {
        state = State.CLOSED;
        decoder.close();
        if (begun != null) {
            // A write whose payload is incomplete leaves no trace. Not earlier: payload may still have been arriving.
            BlockRequest abandoned = begun;
            begun = null;
            giveBack(abandoned.buffer());
            abandoned.recycle();
        }
        export.abandon();
        endIfIdle();
    }

    private void endIfIdle() {
        if (state == State.OPEN || inFlight > 0 || decoding) {
            return;
        }
        if (state != State.CLOSED) {
            if (!finishCalled) {
                finishCalled = true;
                decoder.close();
                stream.finish();
            }
        } else if (!deviceClosed) {
            deviceClosed = true;
            export.close();
            ended.accept(id);
            LOG.info(
                    "export closed name={} peer={} connection={} requests={} bytesRead={} bytesWritten={}",
                    negotiated.export().name(),
                    peer.address(),
                    id,
                    counters.requests(),
                    counters.bytesRead(),
                    counters.bytesWritten());
            over.complete(null);
        }
    }

    // ---- from the socket ----

    @Override
    public boolean take(ByteBuf bytes) {
        decoding = true;
        decoder.decode(bytes);
        decoding = false;
        return wantsMore();
    }

    @Override
    public int headerBytes() {
        return decoder.headerBytes();
    }

    @Override
    public int directPayloadBytes() {
        return (int) missingPayloadBytes();
    }

    @Override
    public long payloadAddress() {
        return begun.buffer().address() + begunPayloadBytes;
    }

    @Override
    public void payloadArrived(int bytes) {
        begunPayloadBytes += bytes;
        decoding = true;
        decoder.payloadPassedBy(bytes);
        decoding = false;
    }

    private boolean wantsMore() {
        reading = !decoder.isPaused() && stream.isWritable();
        endIfIdle();
        return reading;
    }

    @Override
    public void inputEnded() {
        if (state != State.CLOSED) {
            state = State.FINISHING;
            decoder.close();
            endIfIdle();
        }
    }

    @Override
    public void writable() {
        resume();
    }

    /** Goes on with commands that had to wait, if they still do. */
    private void resume() {
        if (!reading && !decoding && !waitingForMemory && state != State.CLOSED) {
            stream.resume();
        }
    }

    // ---- commands ----

    @Override
    public boolean begin(NbdRequest command) {
        begun = null;
        begunPayloadBytes = 0;
        if (state != State.OPEN) {
            immediateError = NbdError.ESHUTDOWN;
            return true;
        }
        immediateError = NbdError.OK;
        boolean empty = command.lengthBytes() == 0 && command.command() != NbdCommand.FLUSH;
        if (empty && (command.command() == NbdCommand.READ || !command.isFua())) {
            return true;
        }
        if (inFlight >= limits.requests() || !stream.isWritable()) {
            return false;
        }
        if (command.command() == NbdCommand.BLOCK_STATUS || (command.command() == NbdCommand.CACHE && !empty)) {
            return true;
        }
        if (command.command() == NbdCommand.READ && negotiated.structuredReplies()) {
            export.layout(loop, command.offsetBytes(), command.lengthBytes(), layout.layout);
            if (layout.layout.isOneHole()) {
                // Nothing is mapped there: answered without memory and without I/O (T18).
                return true;
            }
        }
        // Nothing to do but to commit: what a FLUSH does (T10).
        begun = empty ? loop.requests().acquire().command(BlockOperation.FLUSH, 0, 0, 0) : prepare(command);
        return begun != null;
    }

    private BlockRequest prepare(NbdRequest command) {
        BlockOperation operation = BlockCommands.operation(command.command());
        return operation == BlockOperation.READ || operation == BlockOperation.WRITE
                ? prepareTransfer(operation, command)
                : prepare(operation, command);
    }

    private BlockRequest prepare(BlockOperation operation, NbdRequest command) {
        return loop.requests()
                .acquire()
                .command(
                        operation,
                        command.offsetBytes(),
                        command.lengthBytes(),
                        BlockCommands.flags(operation, command.flags()));
    }

    /** Null if there is no memory for the data now; then {@link #resume} runs when there may be. */
    private BlockRequest prepareTransfer(BlockOperation operation, NbdRequest command) {
        int lengthBytes = (int) command.lengthBytes();
        if (heldBytes > 0 && heldBytes + lengthBytes > limits.payloadBytes()) {
            return null;
        }
        IoBuffer buffer = hasShare(lengthBytes) ? loop.buffers().tryAcquire(lengthBytes) : null;
        if (buffer == null) {
            waitingForMemory = true;
            loop.buffers().whenReleased(memoryReleased);
            return null;
        }
        heldBytes += buffer.capacityBytes();
        return loop.requests()
                .acquire()
                .transfer(
                        operation,
                        command.offsetBytes(),
                        lengthBytes,
                        BlockCommands.flags(operation, command.flags()),
                        buffer,
                        0);
    }

    /**
     * Whether the connection would not hold more than it leaves free. So n connections that take all they can have get
     * the (n+1)th part of the loop's memory each, and one part stays for whoever comes next (T53, T54). The first
     * request of a connection that holds nothing needs no share.
     */
    private boolean hasShare(int lengthBytes) {
        long freeBytes = loop.buffers().capacityBytes() - loop.buffers().usedBytes();
        return heldBytes == 0 || heldBytes + lengthBytes <= freeBytes - lengthBytes;
    }

    @Override
    public void payload(ByteBuf in, int lengthBytes) {
        if (begun == null) {
            in.skipBytes(lengthBytes);
        } else {
            slab.fill(begun.buffer(), begunPayloadBytes, in, lengthBytes);
            begunPayloadBytes += lengthBytes;
        }
    }

    @Override
    public void ready(NbdRequest command) {
        BlockRequest request = begun;
        begun = null;
        if (request == null) {
            serveWithoutDevice(command);
            return;
        }
        request.tag = command.cookie();
        request.tagOffsetBytes = command.sentOffsetBytes();
        inFlight++;
        counters.setInFlight(inFlight);
        request.push(completion);
        if (isSparse(command)) {
            SparseRead sparse = layout;
            layout = sparse.next == null ? new SparseRead() : sparse.next;
            sparse.next = null;
            request.owner = sparse;
            sparse.submit(request, device);
        } else {
            device.submit(request);
        }
    }

    /** Whether the reply to a READ leaves something out; one in a single piece does not (DF, T19). */
    private boolean isSparse(NbdRequest command) {
        return command.command() == NbdCommand.READ
                && negotiated.structuredReplies()
                && (command.flags() & NbdFlags.CMD_DF) == 0
                && layout.layout.runs() > 1;
    }

    private void serveWithoutDevice(NbdRequest command) {
        if (immediateError != NbdError.OK) {
            refused(command, immediateError, "the export is being closed");
        } else if (command.command() == NbdCommand.BLOCK_STATUS) {
            inFlight++;
            counters.setInFlight(inFlight);
            statusQueries.ask(command);
        } else if (command.command() == NbdCommand.CACHE && command.lengthBytes() > 0) {
            prefetch(command);
        } else if (command.command() == NbdCommand.READ) {
            counters.countRequest(BlockOperation.READ);
            if (command.lengthBytes() == 0) {
                replies.nothingRead(command.cookie(), command.sentOffsetBytes());
            } else {
                replies.holeRead(command.cookie(), command.offsetBytes(), command.lengthBytes());
            }
        } else {
            replies.done(command.cookie(), command.sentOffsetBytes());
        }
    }

    private void prefetch(NbdRequest command) {
        long cookie = command.cookie();
        long sentOffsetBytes = command.sentOffsetBytes();
        inFlight++;
        counters.setInFlight(inFlight);
        export.prefetch(loop, command.offsetBytes(), command.lengthBytes(), errno -> {
            inFlight--;
            counters.setInFlight(inFlight);
            if (state != State.CLOSED && errno == Errno.OK) {
                replies.done(cookie, sentOffsetBytes);
            } else if (state != State.CLOSED) {
                replyNoMappings(NbdCommand.CACHE, errno, cookie, sentOffsetBytes);
            }
            // Not inside the decoder, which is where an answer may come at once.
            if (!decoding) {
                resume();
                endIfIdle();
            }
        });
    }

    private void replyNoMappings(int command, int errno, long cookie, long sentOffsetBytes) {
        counters.countError();
        String text = "mappings cannot be read: " + Errno.name(errno);
        replies.failed(command, NbdErrnoMap.toNbdError(errno, 0), cookie, sentOffsetBytes, text);
    }

    private void statusAnswered(StatusQueries.Asked asked) {
        inFlight--;
        counters.setInFlight(inFlight);
        if (state != State.CLOSED) {
            int errno = asked.query().errno();
            if (errno == Errno.OK) {
                replies.status(asked.cookie(), asked.offsetBytes(), asked.query(), asked.contextIds());
            } else {
                replyNoMappings(NbdCommand.BLOCK_STATUS, errno, asked.cookie(), asked.offsetBytes());
            }
        }
        resume();
        endIfIdle();
    }

    @Override
    public void refused(NbdRequest request, int nbdError, String text) {
        counters.countError();
        replies.failed(request.command(), nbdError, request.cookie(), request.sentOffsetBytes(), text);
    }

    @Override
    public void disconnect() {
        state = State.FINISHING;
    }

    @Override
    public void violation(String why) {
        drop(why);
    }

    // ---- completions ----

    private void completed(BlockRequest request, int errno) {
        inFlight--;
        counters.setInFlight(inFlight);
        BlockOperation operation = request.operation();
        IoBuffer buffer = request.buffer();
        counters.countRequest(operation);
        if (errno != Errno.OK) {
            counters.countError();
            faultLog.requestFailed(negotiated.export().name(), request, errno);
        }
        if (operation == BlockOperation.READ && errno == Errno.OK && state != State.CLOSED) {
            ReplyData data = slab.replyData(replyDataSent, buffer, (int) request.lengthBytes());
            counters.countRead(
                    request.owner instanceof SparseRead sparse
                            ? replies.sparseRead(request.tag, request.offsetBytes(), data, sparse.layout)
                            : replies.dataRead(request.tag, request.offsetBytes(), data));
        } else {
            if (operation == BlockOperation.WRITE && errno == Errno.OK) {
                counters.countWritten(request.lengthBytes());
            }
            if (buffer != null) {
                giveBack(buffer);
            }
            if (state != State.CLOSED) {
                reply(request, errno);
            }
        }
        if (request.owner instanceof SparseRead sparse) {
            sparse.next = layout.next;
            layout.next = sparse;
        }
        request.recycle();
        resume();
        endIfIdle();
    }

    private void reply(BlockRequest request, int errno) {
        if (errno == Errno.OK) {
            replies.done(request.tag, request.tagOffsetBytes);
        } else {
            int nbdError = NbdErrnoMap.toNbdError(errno, request.flags());
            replies.failedAt(
                    request.operation() == BlockOperation.READ ? request.failedPartOffsetBytes() : BlockRequest.NO_PART,
                    BlockCommands.command(request.operation()),
                    nbdError,
                    request.tag,
                    request.tagOffsetBytes,
                    "device reported " + Errno.name(errno));
        }
    }

    // ---- memory ----

    private void giveBack(IoBuffer buffer) {
        if (buffer != null) {
            heldBytes -= buffer.capacityBytes();
            buffer.release();
        }
    }

    /** The data of a reply has left, or never will; its memory was given back. */
    private void replyDataSent(int bytes) {
        heldBytes -= bytes;
        Invariant.check(heldBytes >= 0, "connection gave back more memory than it held");
        // Not here: the stream is in the middle of sending.
        if (!reading && state == State.OPEN) {
            loop.execute(resumeTask);
        }
    }

    // Runs inside a release, maybe deep in another connection's completion: goes on from the event loop instead.
    private void onMemoryReleased() {
        loop.execute(retryMemoryTask);
    }

    private void retryMemory() {
        waitingForMemory = false;
        resume();
    }

    /** Payload of a begun write that has not arrived. */
    private long missingPayloadBytes() {
        return begun != null && begun.operation() == BlockOperation.WRITE ? begun.lengthBytes() - begunPayloadBytes : 0;
    }
}
