package dev.gossamer.daemon.cli;

/**
 * The process that started this one, as long as it lives: the client that passed us the socket it connects to. When it
 * is gone this process has another parent, or none. The launcher tells who it was in {@code gossamer.parent}, from
 * before the time that this program takes to start.
 */
final class Starter {
    private static final String PROPERTY = "gossamer.parent";

    private final long processId;

    private Starter(long processId) {
        this.processId = processId;
    }

    static Starter ofThisProcess() {
        return new Starter(Long.getLong(PROPERTY, parent()));
    }

    private static long parent() {
        return ProcessHandle.current().parent().map(ProcessHandle::pid).orElse(0L);
    }

    boolean isGone() {
        return parent() != processId;
    }
}
