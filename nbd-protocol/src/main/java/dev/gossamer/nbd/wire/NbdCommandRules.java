package dev.gossamer.nbd.wire;

/**
 * Which commands and command flags an export's transmission flags allow: the same for the side that asks and the other.
 */
public final class NbdCommandRules {
    /** The command is none of {@link NbdCommand}. */
    public static final int NO_COMMAND = -1;

    private NbdCommandRules() {}

    /**
     * The flags a command may carry, or {@link #NO_COMMAND}. FUA, once advertised, is accepted on every command because
     * old clients set it on READ and FLUSH too (T6).
     *
     * @param advertised transmission flags
     */
    public static int allowedFlags(int command, boolean extendedHeaders, int advertised) {
        int fua = (advertised & NbdFlags.SEND_FUA) != 0 ? NbdFlags.CMD_FUA : 0;
        return switch (command) {
            case NbdCommand.READ -> (advertised & NbdFlags.SEND_DF) != 0 ? fua | NbdFlags.CMD_DF : fua;
            case NbdCommand.WRITE -> extendedHeaders ? fua | NbdFlags.CMD_PAYLOAD_LEN : fua;
            case NbdCommand.FLUSH, NbdCommand.TRIM, NbdCommand.CACHE -> fua;
            case NbdCommand.WRITE_ZEROES -> {
                int fastZero = (advertised & NbdFlags.SEND_FAST_ZERO) != 0 ? NbdFlags.CMD_FAST_ZERO : 0;
                yield fua | NbdFlags.CMD_NO_HOLE | fastZero;
            }
            case NbdCommand.BLOCK_STATUS -> {
                int payload = (advertised & NbdFlags.BLOCK_STATUS_PAYLOAD) != 0 ? NbdFlags.CMD_PAYLOAD_LEN : 0;
                yield fua | NbdFlags.CMD_REQ_ONE | payload;
            }
            default -> NO_COMMAND;
        };
    }

    /** Whether a known command may be used; BLOCK_STATUS needs a metadata context instead of a flag. */
    public static boolean isAdvertised(int command, int advertised) {
        int flag =
                switch (command) {
                    case NbdCommand.FLUSH -> NbdFlags.SEND_FLUSH;
                    case NbdCommand.TRIM -> NbdFlags.SEND_TRIM;
                    case NbdCommand.CACHE -> NbdFlags.SEND_CACHE;
                    case NbdCommand.WRITE_ZEROES -> NbdFlags.SEND_WRITE_ZEROES;
                    default -> NbdFlags.HAS_FLAGS;
                };
        return (advertised & flag) != 0;
    }
}
