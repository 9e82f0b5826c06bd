package dev.gossamer.daemon.server.connection;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.nbd.wire.NbdCommand;
import java.util.Locale;

/** What a client can ask, as it is counted: those that go to a device, then those about mappings. */
@SuppressWarnings("EnumOrdinal") // In memory only: the first are in the order of BlockOperation.
public enum NbdOperation {
    READ(NbdCommand.READ),
    WRITE(NbdCommand.WRITE),
    FLUSH(NbdCommand.FLUSH),
    DISCARD(NbdCommand.TRIM),
    WRITE_ZEROES(NbdCommand.WRITE_ZEROES),
    CACHE(NbdCommand.CACHE),
    BLOCK_STATUS(NbdCommand.BLOCK_STATUS),
    /** A command that the protocol does not have. */
    UNKNOWN(-1);

    private static final NbdOperation[] ALL = values();

    private final int command;

    NbdOperation(int command) {
        this.command = command;
    }

    static NbdOperation of(BlockOperation operation) {
        return ALL[operation.ordinal()];
    }

    static NbdOperation ofCommand(int command) {
        for (NbdOperation operation : ALL) {
            if (operation.command == command) {
                return operation;
            }
        }
        return UNKNOWN;
    }

    /** One of {@link NbdCommand}. */
    int command() {
        return command;
    }

    /** As a label. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
