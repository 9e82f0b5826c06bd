package dev.gossamer.nbd.client;

import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdError;
import dev.gossamer.nbd.wire.NbdFlags;

/** A request on its way, and what of its reply has arrived. */
final class PendingReply {
    final long cookie;
    final int command;
    final int flags;
    final long offsetBytes;
    final long lengthBytes;

    /** Bit i: the i-th context is to answer, and has not yet. */
    private long awaitedContexts;

    private final ArrivedRanges coverage;
    private boolean begun;
    private boolean hasContent;
    private int nbdError = NbdError.OK;

    PendingReply(long cookie, int command, int flags, long offsetBytes, long lengthBytes, long awaitedContexts) {
        this.cookie = cookie;
        this.command = command;
        this.flags = flags;
        this.offsetBytes = offsetBytes;
        this.lengthBytes = lengthBytes;
        this.awaitedContexts = awaitedContexts;
        this.coverage = command == NbdCommand.READ ? new ArrivedRanges() : null;
    }

    long endBytes() {
        return offsetBytes + lengthBytes;
    }

    /** A chunk arrived, so a simple reply must not follow. */
    void begin() {
        begun = true;
    }

    boolean hasBegun() {
        return begun;
    }

    void cover(long startBytes, long lengthOfPieceBytes) throws ServerFault {
        if (command != NbdCommand.READ) {
            throw new ServerFault("data for a request that is no READ");
        }
        if (startBytes < offsetBytes || lengthOfPieceBytes < 1 || lengthOfPieceBytes > endBytes() - startBytes) {
            throw new ServerFault("piece outside of the request");
        }
        if (hasContent && (flags & NbdFlags.CMD_DF) != 0) {
            throw new ServerFault("two pieces in answer to a READ with DF");
        }
        hasContent = true;
        if (!coverage.add(startBytes, startBytes + lengthOfPieceBytes)) {
            throw new ServerFault("pieces overlap or are too many");
        }
    }

    void answerContext(int contextIndex) throws ServerFault {
        long bit = 1L << contextIndex;
        if ((awaitedContexts & bit) == 0) {
            throw new ServerFault("status for a context that was not asked or answered already");
        }
        awaitedContexts &= ~bit;
    }

    /** The first error counts. */
    void fail(int error) {
        if (nbdError == NbdError.OK) {
            nbdError = error;
        }
    }

    /** The outcome, now that the last chunk is there. */
    int finish() throws ServerFault {
        if (nbdError == NbdError.OK) {
            if (coverage != null && !coverage.isWhole(offsetBytes, endBytes())) {
                throw new ServerFault("successful READ with missing bytes");
            }
            if (awaitedContexts != 0) {
                throw new ServerFault("successful BLOCK_STATUS without an answer for every context");
            }
        }
        return nbdError;
    }
}
