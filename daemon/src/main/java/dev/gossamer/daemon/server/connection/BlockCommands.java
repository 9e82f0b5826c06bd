package dev.gossamer.daemon.server.connection;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdFlags;

/** What NBD's commands and command flags are called at a block device, and back. */
final class BlockCommands {
    private BlockCommands() {}

    /** Of a command that reaches the device. */
    static BlockOperation operation(int command) {
        return switch (command) {
            case NbdCommand.READ -> BlockOperation.READ;
            case NbdCommand.WRITE -> BlockOperation.WRITE;
            case NbdCommand.FLUSH -> BlockOperation.FLUSH;
            case NbdCommand.TRIM -> BlockOperation.DISCARD;
            case NbdCommand.WRITE_ZEROES -> BlockOperation.WRITE_ZEROES;
            default -> throw new AssertionError("command " + command + " is none for a device");
        };
    }

    static int command(BlockOperation operation) {
        return switch (operation) {
            case READ -> NbdCommand.READ;
            case WRITE -> NbdCommand.WRITE;
            case FLUSH -> NbdCommand.FLUSH;
            case DISCARD -> NbdCommand.TRIM;
            case WRITE_ZEROES -> NbdCommand.WRITE_ZEROES;
        };
    }

    /** Flags of the request; DF is the reply's business, and FUA says nothing for READ and FLUSH (T6). */
    static int flags(BlockOperation operation, int commandFlags) {
        if (operation == BlockOperation.READ || operation == BlockOperation.FLUSH) {
            return 0;
        }
        int flags = 0;
        if ((commandFlags & NbdFlags.CMD_FUA) != 0) {
            flags |= BlockRequest.FUA;
        }
        if ((commandFlags & NbdFlags.CMD_NO_HOLE) != 0) {
            flags |= BlockRequest.NO_UNMAP;
        }
        if ((commandFlags & NbdFlags.CMD_FAST_ZERO) != 0) {
            flags |= BlockRequest.FAST_ZERO;
        }
        return flags;
    }
}
