package dev.gossamer.daemon.server.connection;

import dev.gossamer.daemon.server.access.PeerName;
import dev.gossamer.daemon.server.export.OpenExport;
import dev.gossamer.daemon.server.stream.ClientStream;
import dev.gossamer.daemon.server.stream.ConnectionLife;
import dev.gossamer.daemon.server.stream.ConnectionLife.State;
import dev.gossamer.daemon.server.stream.SlabView;
import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Invariant;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.OwnedLoop;
import dev.gossamer.io.Wakeup;
import dev.gossamer.io.rate.RateTurn;
import dev.gossamer.nbd.handshake.NegotiatedExport;
import dev.gossamer.nbd.transmission.RequestDecoder;
import dev.gossamer.nbd.transmission.RequestSink;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdError;
import dev.gossamer.nbd.wire.NbdRequest;
import io.netty.buffer.ByteBuf;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * One client in transmission: turns its commands into block requests and their completions into replies, in the order
 * in which they complete. Confined to the connection's event loop, which is the {@link IoLoop} of its requests too.
 *
 * <p>How far it has come is its {@link ConnectionLife}, which it shares with its stream. Too many commands, no memory
 * for their data or replies that the peer does not take: reading stops until that changes.
 */
public final class NbdConnection implements RequestSink, ClientStream.Listener {
    private final IoLoop loop;
    private final LoopLoad load;
    private final SlabView slab;
    private final OpenExport export;
    private final BlockDevice device;
    private final StatusQueries statusQueries;
    private final NegotiatedExport negotiated;
    private final ConnectionLimits limits;
    private final CommandGate commands;
    private final Consumer<Long> whenEnded;
    private final RequestWatch watch;
    private final RequestDecoder decoder;
    private final ConnectionCounters counters = new ConnectionCounters();
    private final Instant openedAt = Instant.now();
    private final CompletableFuture<Void> over = new CompletableFuture<>();
    // An object from the beginning: who ends for want of memory is forgotten all the same.
    private final Long id;
    private final PeerName peer;
    private final ConnectionLog log;
    private final BlockCompletion completion = this::completed;
    private final ConnectionLife life = new ConnectionLife();
    private final HeldMemory memory;
    private final ArrivingRequest arriving;
    private final Runnable resumeTask = this::resume;

    private ClientStream stream;
    private Answers answers;
    private StallDetector stallDetector;
    private final SparseReads sparseReads;
    private boolean decoding;
    // Whether the stream delivers what arrives; if not, resume() sees to it again.
    private boolean reading = true;
    // Of the command between begin and ready, if it is not executed.
    private int immediateError;

    /**
     * @param load of the loop
     * @param export closed once, when the connection is over and its last request done
     * @param whenEnded told the connection's id after that
     */
    public NbdConnection(
            long id,
            IoLoop loop,
            LoopLoad load,
            SlabView slab,
            OpenExport export,
            NegotiatedExport negotiated,
            PeerName peer,
            ConnectionLimits limits,
            Consumer<Long> whenEnded,
            RequestWatch watch) {
        this.id = id;
        this.loop = new OwnedLoop(loop, bug -> stream.close());
        this.load = load;
        this.slab = slab;
        this.export = export;
        this.device = export.device();
        this.negotiated = negotiated;
        this.peer = peer;
        this.log = new ConnectionLog(watch.log(), negotiated, peer, id);
        this.limits = limits;
        this.whenEnded = whenEnded;
        this.watch = watch;
        this.memory = new HeldMemory(this.loop, load, limits.payloadBytes(), resumeTask);
        RateTurn turn = new RateTurn(export.rates(), this.loop, resumeTask);
        this.commands = new CommandGate(limits, load, counters, export.key(), turn);
        this.arriving = new ArrivingRequest(loop, memory, slab);
        this.sparseReads = new SparseReads(device, negotiated.structuredReplies(), load, memory, life);
        this.decoder = new RequestDecoder(negotiated, device::sizeBytes, this);
        this.statusQueries = new StatusQueries(loop, export, memory, negotiated.contexts(), this::statusAnswered);
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

    /** What its export is, whatever it is called now. */
    String exportKey() {
        return export.key();
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
        answers = new Answers(
                life,
                new ReplyWriter(stream, negotiated),
                counters,
                memory,
                slab,
                this::replyDataSent,
                watch,
                negotiated.export().name());
        stallDetector = new StallDetector(stream, limits);
        log.opened();
    }

    /** Whether others of its loop wait for memory. Any thread. */
    boolean isPressed() {
        return load.isPressed();
    }

    /** A quarter of the stall time has passed. On any thread. */
    void checkProgress() {
        loop.execute(() -> {
            if (life.maySend()) {
                boolean pressed = load.isPressed() && memory.isHolding();
                String why =
                        stallDetector.look(arriving.missingBytes(), loop.nanoTime(), pressed, life.is(State.FINISHING));
                if (why != null) {
                    drop(why);
                }
            }
        });
    }

    /** The server stops, or takes the export away: {@link State#DRAINING}. On any thread. */
    public void drain() {
        // After what made this connection and its stream, which runs on the same loop.
        loop.execute(() -> {
            if (life.advance(State.DRAINING)) {
                memory.stopWaiting();
                commands.leave();
                resume();
                endIfIdle();
            }
        });
    }

    /** Closes without waiting for anything. On any thread. */
    public void drop(String why) {
        log.dropped(why);
        loop.execute(() -> stream.close());
    }

    /** As {@link #drop}, if there is something to close. */
    public void dropIfOpen(String why) {
        if (!over.isDone()) {
            drop(why);
        }
    }

    @Override
    public ConnectionLife life() {
        return life;
    }

    @Override
    public void closed() {
        requireLoop();
        decoder.close();
        memory.stopWaiting();
        commands.leave();
        // Not earlier: payload may still have been arriving.
        arriving.abandon();
        statusQueries.abandon();
        export.abandon();
        endIfIdle();
    }

    private void endIfIdle() {
        if (life.is(State.OPEN) || !commands.isIdle() || decoding) {
            return;
        }
        if (life.mayReceive()) {
            life.advance(State.FLUSHING);
            decoder.close();
            stream.finish();
        } else if (life.is(State.CLOSED)) {
            life.advance(State.OVER);
            giveBackDevice();
        }
    }

    private void giveBackDevice() {
        try {
            export.close();
        } finally {
            commands.over();
            log.closed(counters); // before a server that stops has nobody left to wait for
            whenEnded.accept(id);
            over.complete(null);
        }
    }

    /** There is no stream for this connection. On the loop, instead of {@link #begin}, or after it if that failed. */
    public void neverBegins(Throwable cause) {
        log.failed(cause);
        if (life.advance(State.CLOSED)) {
            closed();
        }
    }

    /** This connection cannot go on, and nobody else has to suffer for it. */
    @Override
    public void fail(Throwable cause) {
        log.failed(cause);
        stream.close();
    }

    private void requireLoop() {
        Invariant.check(loop.inLoop(), "a connection is used by its loop alone");
    }

    // ---- from the socket ----

    @Override
    public boolean take(ByteBuf bytes) {
        requireLoop();
        if (life.mayReceive()) {
            decode(bytes, 0);
        }
        return wantsMore();
    }

    /** Bytes that have arrived or, if null, payload that has passed by. */
    private void decode(ByteBuf bytes, int passedBytes) {
        decoding = true;
        try {
            if (bytes == null) {
                decoder.payloadPassedBy(passedBytes);
            } else {
                decoder.decode(bytes);
            }
        } catch (RuntimeException | Error e) {
            fail(e);
        } finally {
            decoding = false;
        }
    }

    @Override
    public int headerBytes() {
        return decoder.headerBytes();
    }

    @Override
    public int directPayloadBytes() {
        return (int) arriving.missingBytes();
    }

    @Override
    public long payloadAddress() {
        return arriving.payloadAddress();
    }

    @Override
    public void payloadArrived(int bytes) {
        requireLoop();
        arriving.payloadArrived(bytes);
        decode(null, bytes);
    }

    private boolean wantsMore() {
        reading = life.mayReceive() && !decoder.isPaused() && stream.isWritable();
        endIfIdle();
        return reading;
    }

    @Override
    public void inputEnded() {
        if (life.advance(State.FINISHING)) {
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
        if (!reading && !decoding && !memory.isWaiting() && !commands.isInLine() && life.mayReceive()) {
            stream.resume();
        }
    }

    // ---- commands ----

    /** Every answer has a header, so the replies that the peer does not take bound the commands, whatever they are. */
    @Override
    public boolean hasRoom() {
        return stream.isWritable();
    }

    @Override
    public boolean begin(NbdRequest command) {
        if (!life.mayReceive()) {
            return false; // never executed, and nobody is there to be told (T51a)
        }
        if (!life.is(State.OPEN)) {
            immediateError = NbdError.ESHUTDOWN;
            return true;
        }
        immediateError = NbdError.OK;
        boolean empty = command.lengthBytes() == 0
                && command.command() != NbdCommand.FLUSH
                && command.command() != NbdCommand.BLOCK_STATUS;
        if (empty && (command.command() == NbdCommand.READ || !command.isFua())) {
            return true;
        }
        return commands.mayBegin(command) && (prepare(command, empty) || commands.notBegun(command));
    }

    /** Gets together what a command needs. False, and nothing is taken, if it is not there now. */
    private boolean prepare(NbdRequest command, boolean empty) {
        if (command.command() == NbdCommand.BLOCK_STATUS) {
            return statusQueries.begin(command);
        }
        if (command.command() == NbdCommand.CACHE && !empty) {
            return true;
        }
        if (command.command() == NbdCommand.READ && negotiated.structuredReplies()) {
            export.layout(loop, command.offsetBytes(), command.lengthBytes(), sparseReads.layout());
            if (sparseReads.layout().isOneHole()) {
                // Nothing is mapped there: answered without memory and without I/O (T18).
                return true;
            }
        }
        if (empty) {
            arriving.beginFlush(command);
            return true;
        }
        return arriving.begin(command);
    }

    @Override
    public void payload(ByteBuf in, int lengthBytes) {
        arriving.payload(in, lengthBytes);
    }

    @Override
    public void ready(NbdRequest command) {
        if (!life.mayReceive()) {
            arriving.abandon();
            statusQueries.abandon();
            return;
        }
        BlockRequest request = arriving.take();
        if (request == null) {
            serveWithoutDevice(command);
            return;
        }
        commands.change(1);
        request.stages().begin(loop.nanoTime());
        request.push(completion);
        if (negotiated.isReadOnly() && request.operation() == BlockOperation.FLUSH) {
            load.readerFlushes().start(request, device);
        } else if (command.command() != NbdCommand.READ || sparseReads.isPlain(command)) {
            device.start(request);
        } else {
            sparseReads.start(command, request);
        }
    }

    private void serveWithoutDevice(NbdRequest command) {
        if (immediateError != NbdError.OK) {
            refused(command, immediateError, "the export is being closed");
        } else if (command.command() == NbdCommand.BLOCK_STATUS) {
            statusQueries.ask(command);
            commands.change(1);
        } else if (command.command() == NbdCommand.CACHE && command.lengthBytes() > 0) {
            prefetch(command);
        } else if (command.command() == NbdCommand.READ) {
            answers.readWithoutData(command);
        } else {
            answers.done(command.cookie(), command.sentOffsetBytes());
        }
    }

    private void prefetch(NbdRequest command) {
        CacheCommand asked = new CacheCommand(command, loop.nanoTime(), this::prefetched);
        commands.change(1);
        asked.ask(export, loop, command, log);
    }

    private void prefetched(CacheCommand asked, int errno) {
        requireLoop();
        commands.change(-1);
        answers.prefetched(errno, asked.cookie(), asked.offsetBytes(), loop.nanoTime() - asked.beganNanos());
        goOn();
    }

    private void statusAnswered(StatusQueries.Asked asked) {
        requireLoop();
        commands.change(-1);
        try {
            answers.status(asked);
        } catch (RuntimeException | Error e) {
            fail(e);
        }
        goOn();
    }

    @Override
    public void refused(NbdRequest command, int nbdError, String text) {
        answers.refused(command, nbdError, text);
    }

    @Override
    public void disconnect() {
        life.advance(State.FINISHING);
    }

    @Override
    public void violation(String why) {
        drop(why);
    }

    /** Whatever goes wrong with the answer, what the request has taken is given back, and the loop goes on. */
    private void completed(BlockRequest request, int errno) {
        requireLoop();
        commands.change(-1);
        try {
            answers.completed(request, errno);
        } catch (RuntimeException | Error e) {
            fail(e);
        }
        sparseReads.done(request);
        request.recycle();
        goOn();
    }

    /** Something has ended: commands that had to wait go on, or the connection ends. Neither inside the decoder. */
    private void goOn() {
        resume();
        endIfIdle();
    }

    /** The data of a reply has left, or never will; its memory was given back. */
    private void replyDataSent(int bytes) {
        requireLoop();
        memory.wasGivenBack(bytes);
        // Not here: the stream is in the middle of sending.
        if (!reading && life.is(State.OPEN)) {
            Wakeup.call(loop, resumeTask); // nobody else would
        }
    }
}
