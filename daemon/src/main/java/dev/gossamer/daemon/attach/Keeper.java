package dev.gossamer.daemon.attach;

import dev.gossamer.io.Errno;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import dev.gossamer.nbd.client.NbdUri;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Connects a device again whenever its server comes back: after a crash, an upgrade, a network that was away. The
 * kernel holds requests meanwhile, as long as the attachment says. A process of its own, because the daemon has no
 * right to change devices, and may be another machine's.
 *
 * <p>It has a connection of its own, on which nothing is asked: when that ends, so have the kernel's. When requests
 * wait and none ends, the kernel is offered a new connection too: it may have given its own up ({@link StuckRequests}).
 */
public final class Keeper {
    /** On the command line of a keeper, so that it is known as one. */
    public static final String OPTION = "--keep";

    private static final Logger LOG = LoggerFactory.getLogger(Keeper.class);
    private static final long RETRY_MILLIS = 200;

    /** Between two looks whether requests get anywhere. */
    private static final int LOOK_SECONDS = 1;

    /** Until somebody has done something about another volume. */
    private static final long OTHER_MILLIS = 5000;

    private static final long START_SECONDS = 60;

    private final Attachment attachment;

    public Keeper(Attachment attachment) {
        this.attachment = attachment;
    }

    /** The attachment of a device that is attached; for a keeper, which is told no more. */
    public static Keeper of(int index) throws StorageException {
        Attachment attachment = Attachment.read(Attachment.DIRECTORY, index);
        if (attachment == null) {
            throw new StorageException(Errno.ENOENT, "/dev/nbd" + index + " is not attached by gossamer");
        }
        return new Keeper(attachment);
    }

    /** Keeps the device until it is detached. */
    public void run() throws StorageException {
        NbdUri uri = NbdUri.parse(attachment.uri());
        boolean first = true;
        String told = "";
        while (Machine.isConnected(attachment.index())) {
            try (ServerConnection watch = ServerConnection.open(uri)) {
                // The first time too: the server may have gone before this process was there. Where no connection of
                // the kernel's is dead, it does not take the new one.
                Attacher.reconnect(attachment);
                LOG.info("{} device={} uri={}", first ? "keeping" : "connected again", attachment.device(), uri);
                if (first) {
                    attachment.withKeeper(ProcessHandle.current().pid()).write(Attachment.DIRECTORY);
                }
                first = false;
                told = "";
                String why = awaitEnd(watch);
                LOG.warn("{} device={} uri={}", why, attachment.device(), uri);
            } catch (OtherVolume e) {
                // Once, not five times a second; somebody has to give the name back, or detach.
                if (!told.equals(e.getMessage())) {
                    LOG.error("requests wait device={}: {}", attachment.device(), e.getMessage());
                }
                told = e.getMessage();
                pause(OTHER_MILLIS);
            } catch (StorageException e) {
                LOG.debug("not yet: {}", e.getMessage());
            }
            pause(RETRY_MILLIS);
        }
        LOG.info("detached device={}", attachment.device());
    }

    /** Nothing comes on this connection but its end. @return why there should be a new one */
    private String awaitEnd(ServerConnection watch) throws StorageException {
        watch.socket().setTimeout(LOOK_SECONDS);
        StuckRequests stuck = new StuckRequests(attachment.timeoutSeconds());
        while (!hasEnded(watch)) {
            if (stuck.look(Machine.statistics(attachment.index()), System.nanoTime())) {
                return "no request is answered";
            }
        }
        return "server is gone";
    }

    /** Waits for that, some time. */
    private static boolean hasEnded(ServerConnection watch) {
        try {
            return watch.socket().receive(1).length == 0;
        } catch (StorageException e) {
            LOG.debug("{}", e.getMessage());
            return e.errno() != Errno.EAGAIN && e.errno() != Errno.EINTR;
        }
    }

    private static void pause(long millis) throws StorageException {
        try {
            TimeUnit.MILLISECONDS.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StorageException(Errno.EINTR, "interrupted", e);
        }
    }

    /** Starts a keeper that goes on when this process ends; returns when it keeps the device. */
    public static Attachment start(Attachment attachment, Path program) throws StorageException {
        List<String> command = new ArrayList<>();
        if (Machine.has("setsid")) {
            command.add("setsid"); // Ctrl-C at the terminal is not meant for it.
        }
        command.addAll(List.of(program.toString(), "attach", OPTION, Integer.toString(attachment.index())));
        try {
            Process keeper = new ProcessBuilder(command)
                    .redirectInput(Path.of("/dev/null").toFile())
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .redirectError(ProcessBuilder.Redirect.appendTo(Attachment.DIRECTORY
                            .resolve("nbd" + attachment.index() + ".log")
                            .toFile()))
                    .start();
            return awaitKept(attachment, keeper);
        } catch (IOException e) {
            throw new StorageException(Errno.EIO, "no keeper can be started: " + Reason.of(e), e);
        }
    }

    private static Attachment awaitKept(Attachment attachment, Process keeper) throws StorageException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
        while (keeper.isAlive() && System.nanoTime() - end < 0) {
            Attachment noted = Attachment.read(Attachment.DIRECTORY, attachment.index());
            if (noted != null && noted.keeper() == keeper.pid()) {
                return noted;
            }
            Machine.pause();
        }
        keeper.destroy();
        throw new StorageException(
                Errno.EIO,
                "the process that keeps the device does not start; its log is "
                        + Attachment.DIRECTORY.resolve("nbd" + attachment.index() + ".log"));
    }

    /** Whether a process number still means a keeper, and not somebody who got it later. */
    static boolean isKeeper(ProcessHandle process) {
        return process.info()
                .arguments()
                .map(arguments -> List.of(arguments).contains(OPTION))
                .orElse(false);
    }
}
