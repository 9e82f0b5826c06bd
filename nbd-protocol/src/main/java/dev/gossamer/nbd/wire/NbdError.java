package dev.gossamer.nbd.wire;

/**
 * The only error numbers that may go on the wire (T13); they equal Linux' errno, but are the protocol's own and hold on
 * every system.
 */
public final class NbdError {
    /** Success. */
    public static final int OK = 0;

    public static final int EPERM = 1;
    public static final int EIO = 5;
    public static final int ENOMEM = 12;
    public static final int EINVAL = 22;
    public static final int ENOSPC = 28;

    /** Answers READ only: longer than can be sent. */
    public static final int EOVERFLOW = 75;

    /** Answers WRITE_ZEROES only: FAST_ZERO would not be fast. */
    public static final int ENOTSUP = 95;

    /** Only while the server or the volume is stopping. */
    public static final int ESHUTDOWN = 108;

    private NbdError() {}

    /** Whether the protocol allows this error (not {@link #OK}) as an answer to this command. */
    public static boolean mayAnswer(int error, int command) {
        return switch (error) {
            case EPERM, EIO, ENOMEM, EINVAL, ENOSPC, ESHUTDOWN -> true;
            case EOVERFLOW -> command == NbdCommand.READ;
            case ENOTSUP -> command == NbdCommand.WRITE_ZEROES;
            default -> false;
        };
    }
}
