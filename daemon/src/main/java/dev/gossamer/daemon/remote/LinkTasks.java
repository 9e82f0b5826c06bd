package dev.gossamer.daemon.remote;

import dev.gossamer.io.Faults;
import dev.gossamer.io.Wakeup;
import dev.gossamer.io.ring.NettyLoop;
import java.util.function.Consumer;

/**
 * Tasks and timers of one {@link RemoteLink} and of its session. What they throw breaks the session, because somebody
 * would wait for them for ever. Any thread.
 */
final class LinkTasks {
    private final NettyLoop loop;
    private final Faults faults;

    LinkTasks(NettyLoop loop, Consumer<Throwable> broken) {
        this.loop = loop;
        this.faults = loop.faults().part(broken);
    }

    /**
     * Runs a task on the loop, also if there is no memory for that at first.
     *
     * @return false if it never will: the loop has ended, or there is no memory at all
     */
    boolean run(Runnable task) {
        Runnable guarded;
        try {
            guarded = faults.guarded(task);
        } catch (OutOfMemoryError noMemory) {
            return false;
        }
        return Wakeup.call(loop, guarded);
    }

    /** Runs something here and now, on the loop. */
    void guard(Runnable work) {
        faults.run(work);
    }

    void later(Runnable task, long nanos) {
        loop.schedule(faults.guarded(task), nanos);
    }

    /** Who is told of an attempt to connect, on the loop. A connection that nobody could take is dropped. */
    RemoteConnector.Outcome outcome(Consumer<RemoteConnection> connected, Consumer<String> failed) {
        return new RemoteConnector.Outcome() {
            @Override
            public void connected(RemoteConnection connection) {
                try {
                    connected.accept(connection);
                } catch (RuntimeException | Error bug) {
                    connection.drop();
                    caught(bug);
                }
            }

            @Override
            public void failed(String why) {
                try {
                    failed.accept(why);
                } catch (RuntimeException | Error bug) {
                    caught(bug);
                }
            }
        };
    }

    /** Takes what something else than a task has thrown. */
    void caught(Throwable bug) {
        faults.caught(bug);
    }
}
