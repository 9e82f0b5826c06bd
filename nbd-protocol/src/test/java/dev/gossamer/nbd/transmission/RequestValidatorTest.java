package dev.gossamer.nbd.transmission;

import static dev.gossamer.nbd.transmission.Requests.ALL_FLAGS;
import static dev.gossamer.nbd.transmission.Requests.MAXIMUM_BYTES;
import static dev.gossamer.nbd.transmission.Requests.SIZE_BYTES;
import static dev.gossamer.nbd.wire.NbdCommand.BLOCK_STATUS;
import static dev.gossamer.nbd.wire.NbdCommand.CACHE;
import static dev.gossamer.nbd.wire.NbdCommand.FLUSH;
import static dev.gossamer.nbd.wire.NbdCommand.READ;
import static dev.gossamer.nbd.wire.NbdCommand.TRIM;
import static dev.gossamer.nbd.wire.NbdCommand.WRITE;
import static dev.gossamer.nbd.wire.NbdCommand.WRITE_ZEROES;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gossamer.nbd.handshake.NegotiatedExport;
import dev.gossamer.nbd.wire.NbdError;
import dev.gossamer.nbd.wire.NbdFlags;
import org.junit.jupiter.api.Test;

/** T4 to T11: every row of the error table, and the order of the checks. */
final class RequestValidatorTest {
    private static final int[] RANGE_COMMANDS = {READ, WRITE, TRIM, CACHE, WRITE_ZEROES};
    private static final NegotiatedExport WITH_CONTEXTS = Requests.withContexts(false, 3);
    private static final NegotiatedExport EXTENDED = Requests.withContexts(true, 3);
    private static final NegotiatedExport STRUCTURED = Requests.export(ALL_FLAGS, true);
    private static final NegotiatedExport SIMPLE = Requests.export(ALL_FLAGS, false);
    private static final NegotiatedExport BARE = Requests.export(NbdFlags.HAS_FLAGS, false);
    private static final NegotiatedExport READ_ONLY =
            Requests.export(NbdFlags.HAS_FLAGS | NbdFlags.READ_ONLY | NbdFlags.SEND_FLUSH, true);

    private static void assertFault(
            RequestFault expected, NegotiatedExport export, int command, int flags, long offset, long length) {
        var request = export.extendedHeaders()
                ? Requests.extendedRequest(command, flags, offset, length)
                : Requests.request(command, flags, offset, length);
        RequestFault fault = RequestValidator.check(request, export, SIZE_BYTES);
        assertEquals(expected, fault, "command " + command + " flags " + flags + " at " + offset + "+" + length);
    }

    private static RequestFault pastEnd(int command) {
        return command == WRITE || command == WRITE_ZEROES ? RequestFault.NO_SPACE_PAST_END : RequestFault.PAST_END;
    }

    @Test
    void errorsAreTheOnesOfTheTable() {
        for (RequestFault fault : RequestFault.values()) {
            int expected =
                    switch (fault) {
                        case NONE -> NbdError.OK;
                        case READ_ONLY -> NbdError.EPERM;
                        case NO_SPACE_PAST_END -> NbdError.ENOSPC;
                        case READ_OVERFLOW -> NbdError.EOVERFLOW;
                        default -> NbdError.EINVAL;
                    };
            assertEquals(expected, fault.nbdError(), fault.name());
        }
    }

    @Test
    void unknownCommandsAreRefused() {
        for (int command : new int[] {8, 9, 31, 32, 33, 0x7fff, 0xffff}) {
            assertFault(RequestFault.UNKNOWN_COMMAND, STRUCTURED, command, 0, 0, 0);
            assertFault(RequestFault.UNKNOWN_COMMAND, READ_ONLY, command, 0xffff, -1, 0xffffffffL);
        }
    }

    @Test
    void eachCommandTakesItsOwnFlagsOnly() {
        int[] allowed = new int[8];
        allowed[READ] = NbdFlags.CMD_FUA | NbdFlags.CMD_DF;
        allowed[WRITE] = NbdFlags.CMD_FUA;
        allowed[FLUSH] = NbdFlags.CMD_FUA;
        allowed[TRIM] = NbdFlags.CMD_FUA;
        allowed[CACHE] = NbdFlags.CMD_FUA;
        allowed[WRITE_ZEROES] = NbdFlags.CMD_FUA | NbdFlags.CMD_NO_HOLE | NbdFlags.CMD_FAST_ZERO;
        allowed[BLOCK_STATUS] = NbdFlags.CMD_FUA | NbdFlags.CMD_REQ_ONE;
        for (int command : new int[] {READ, WRITE, FLUSH, TRIM, CACHE, WRITE_ZEROES, BLOCK_STATUS}) {
            for (int bit = 0; bit < 16; bit++) {
                boolean good = (allowed[command] >> bit & 1) != 0;
                assertFault(
                        good ? RequestFault.NONE : RequestFault.BAD_FLAGS, WITH_CONTEXTS, command, 1 << bit, 0, 512);
            }
            assertFault(RequestFault.NONE, WITH_CONTEXTS, command, allowed[command], 0, 512);
        }
    }

    @Test
    void flagsNeedTheirAdvertisement() {
        assertFault(RequestFault.BAD_FLAGS, SIMPLE, READ, NbdFlags.CMD_DF, 0, 512);
        assertFault(RequestFault.BAD_FLAGS, BARE, WRITE, NbdFlags.CMD_FUA, 0, 512);
        NegotiatedExport slowZero = Requests.export(ALL_FLAGS & ~NbdFlags.SEND_FAST_ZERO, true);
        assertFault(RequestFault.BAD_FLAGS, slowZero, WRITE_ZEROES, NbdFlags.CMD_FAST_ZERO, 0, 512);
        assertFault(RequestFault.NONE, slowZero, WRITE_ZEROES, NbdFlags.CMD_NO_HOLE, 0, 512);
    }

    @Test
    void commandsNeedTheirAdvertisement() {
        for (int command : new int[] {FLUSH, TRIM, CACHE, WRITE_ZEROES}) {
            assertFault(RequestFault.NOT_ADVERTISED, BARE, command, 0, 0, 512);
        }
        assertFault(RequestFault.NONE, BARE, READ, 0, 0, 512);
        assertFault(RequestFault.NONE, BARE, WRITE, 0, 0, 512);
    }

    @Test
    void readOnlyExportsRefuseEveryKindOfWrite() {
        for (int command : new int[] {WRITE, TRIM, WRITE_ZEROES}) {
            assertFault(RequestFault.READ_ONLY, READ_ONLY, command, 0, 0, 512);
            assertFault(RequestFault.READ_ONLY, READ_ONLY, command, 0, SIZE_BYTES, 512);
        }
        assertFault(RequestFault.NONE, READ_ONLY, READ, 0, 0, 512);
        assertFault(RequestFault.NONE, READ_ONLY, FLUSH, 0, 0, 0);
    }

    @Test
    void nothingReachesPastTheEnd() {
        for (int command : RANGE_COMMANDS) {
            assertFault(RequestFault.NONE, STRUCTURED, command, 0, SIZE_BYTES - 512, 512);
            assertFault(RequestFault.NONE, STRUCTURED, command, 0, SIZE_BYTES - 1, 1);
            assertFault(pastEnd(command), STRUCTURED, command, 0, SIZE_BYTES - 511, 512);
            assertFault(pastEnd(command), STRUCTURED, command, 0, SIZE_BYTES, 1);
            assertFault(pastEnd(command), STRUCTURED, command, 0, Long.MAX_VALUE, 512);
            assertFault(pastEnd(command), STRUCTURED, command, 0, -1, 1);
            assertFault(pastEnd(command), STRUCTURED, command, 0, -512, 1024);
            assertFault(pastEnd(command), STRUCTURED, command, 0, Long.MIN_VALUE, 0);
        }
        assertFault(RequestFault.PAST_END, STRUCTURED, TRIM, 0, 0, 0xffffffffL);
        assertFault(RequestFault.NO_SPACE_PAST_END, STRUCTURED, WRITE_ZEROES, 0, 0, 0xffffffffL);
    }

    @Test
    void boundsDoNotOverflow() {
        long sizeBytes = Long.MAX_VALUE;
        RequestFault fault =
                RequestValidator.check(Requests.request(READ, 0, sizeBytes - 511, 512), STRUCTURED, sizeBytes);
        assertEquals(RequestFault.PAST_END, fault);
        fault = RequestValidator.check(Requests.request(READ, 0, sizeBytes - 512, 512), STRUCTURED, sizeBytes);
        assertEquals(RequestFault.NONE, fault);
    }

    @Test
    void emptyRequestsAreInsideUpToTheEnd() {
        for (int command : RANGE_COMMANDS) {
            assertFault(RequestFault.NONE, STRUCTURED, command, 0, 0, 0);
            assertFault(RequestFault.NONE, STRUCTURED, command, 0, SIZE_BYTES, 0);
            assertFault(pastEnd(command), STRUCTURED, command, 0, SIZE_BYTES + 1L, 0);
        }
    }

    @Test
    void payloadsKeepTheAdvertisedMaximum() {
        assertFault(RequestFault.NONE, STRUCTURED, WRITE, 0, 0, MAXIMUM_BYTES);
        assertFault(RequestFault.PAYLOAD_TOO_LONG, STRUCTURED, WRITE, 0, 0, MAXIMUM_BYTES + 1);
        assertFault(RequestFault.PAYLOAD_TOO_LONG, STRUCTURED, WRITE, 0, 0, 64 << 20);
        assertFault(RequestFault.PAYLOAD_OVER_HARD_CAP, STRUCTURED, WRITE, 0, 0, (64 << 20) + 1);
        assertFault(RequestFault.PAYLOAD_OVER_HARD_CAP, READ_ONLY, WRITE, 0xffff, -1, 0xffffffffL);
        assertFault(RequestFault.NONE, STRUCTURED, WRITE_ZEROES, 0, 0, SIZE_BYTES);
        assertFault(RequestFault.NONE, STRUCTURED, TRIM, 0, 0, SIZE_BYTES);
    }

    @Test
    void readsKeepTheAdvertisedMaximum() {
        assertFault(RequestFault.NONE, STRUCTURED, READ, NbdFlags.CMD_DF, 0, MAXIMUM_BYTES);
        assertFault(RequestFault.NONE, STRUCTURED, READ, 0, 0, MAXIMUM_BYTES + 1);
        assertFault(RequestFault.NONE, STRUCTURED, READ, 0, 0, 64 << 20);
        var huge = Requests.request(READ, 0, 0, (64 << 20) + 1);
        assertEquals(RequestFault.READ_OVERFLOW, RequestValidator.check(huge, STRUCTURED, 1L << 40));
        assertEquals(RequestFault.READ_TOO_LONG, RequestValidator.check(huge, SIMPLE, 1L << 40));
        assertFault(RequestFault.READ_OVERFLOW, STRUCTURED, READ, NbdFlags.CMD_DF, 0, MAXIMUM_BYTES + 1);
        assertFault(RequestFault.NONE, SIMPLE, READ, 0, 0, MAXIMUM_BYTES);
        assertFault(RequestFault.READ_TOO_LONG, SIMPLE, READ, 0, 0, MAXIMUM_BYTES + 1);
        assertFault(RequestFault.PAST_END, STRUCTURED, READ, 0, 0, 0xffffffffL);
    }

    @Test
    void alignmentBindsClientsThatAskedExceptForTrim() {
        for (int command : RANGE_COMMANDS) {
            RequestFault expected = command == TRIM ? RequestFault.NONE : RequestFault.UNALIGNED;
            assertFault(expected, Requests.strictExport(true), command, 0, 512, 4096);
            assertFault(expected, Requests.strictExport(true), command, 0, 4096, 512);
            assertFault(RequestFault.NONE, Requests.strictExport(true), command, 0, 4096, 8192);
            assertFault(RequestFault.NONE, Requests.strictExport(false), command, 0, 512, 512);
        }
    }

    @Test
    void flushIgnoresItsRange() {
        assertFault(RequestFault.NONE, STRUCTURED, FLUSH, 0, -1, 0xffffffffL);
        assertFault(RequestFault.NONE, Requests.strictExport(true), FLUSH, 0, 1, 1);
    }

    @Test
    void blockStatusNeedsContextsAndALength() {
        assertFault(RequestFault.NO_CONTEXTS, STRUCTURED, BLOCK_STATUS, 0, 0, 512);
        assertFault(RequestFault.NO_CONTEXTS, SIMPLE, BLOCK_STATUS, 0, 0, 0);
        for (NegotiatedExport export : new NegotiatedExport[] {WITH_CONTEXTS, EXTENDED}) {
            assertFault(RequestFault.NONE, export, BLOCK_STATUS, NbdFlags.CMD_REQ_ONE, 0, SIZE_BYTES);
            assertFault(RequestFault.EMPTY_BLOCK_STATUS, export, BLOCK_STATUS, 0, 512, 0);
            assertFault(RequestFault.PAST_END, export, BLOCK_STATUS, 0, 512, SIZE_BYTES);
        }
    }

    @Test
    void extendedLengthsAreUnsigned() {
        for (int command : new int[] {READ, TRIM, CACHE, WRITE_ZEROES, BLOCK_STATUS}) {
            for (long length : new long[] {1L << 32, Long.MAX_VALUE, Long.MIN_VALUE, -1}) {
                assertFault(pastEnd(command), EXTENDED, command, 0, 0, length);
            }
            assertFault(RequestFault.NONE, EXTENDED, command, 0, 512, 512);
        }
        var big = Requests.extendedRequest(TRIM, 0, 4096, 1L << 41);
        assertEquals(RequestFault.NONE, RequestValidator.check(big, EXTENDED, 1L << 42));
        big = Requests.extendedRequest(READ, 0, 4096, 1L << 41);
        assertEquals(RequestFault.READ_OVERFLOW, RequestValidator.check(big, EXTENDED, 1L << 42));
    }

    @Test
    void extendedWritesSayThatTheyHavePayload() {
        int payload = NbdFlags.CMD_PAYLOAD_LEN;
        assertFault(RequestFault.NONE, EXTENDED, WRITE, payload | NbdFlags.CMD_FUA, 0, 512);
        assertFault(RequestFault.WRITE_WITHOUT_PAYLOAD, EXTENDED, WRITE, 0, 0, 512);
        assertFault(RequestFault.WRITE_WITHOUT_PAYLOAD, EXTENDED, WRITE, 0, 0, 0);
        assertFault(RequestFault.BAD_FLAGS, STRUCTURED, WRITE, payload, 0, 512);
    }

    @Test
    void noOtherCommandHasPayload() {
        int payload = NbdFlags.CMD_PAYLOAD_LEN;
        for (int command : new int[] {READ, FLUSH, TRIM, CACHE, WRITE_ZEROES}) {
            assertFault(RequestFault.BAD_FLAGS, EXTENDED, command, payload, 0, 512);
            assertFault(RequestFault.PAYLOAD_TOO_LONG, EXTENDED, command, payload, 0, MAXIMUM_BYTES + 1);
            for (long length : new long[] {(64 << 20) + 1, 1L << 32, Long.MIN_VALUE, -1}) {
                assertFault(RequestFault.PAYLOAD_OVER_HARD_CAP, EXTENDED, command, payload, 0, length);
            }
        }
        assertFault(RequestFault.UNKNOWN_COMMAND, EXTENDED, 99, payload, 0, 512);
    }

    @Test
    void aContextFilterNamesAtLeastOneAndAtMostAllContexts() {
        int payload = NbdFlags.CMD_PAYLOAD_LEN;
        for (long length : new long[] {12, 16, 20}) {
            assertFault(RequestFault.NONE, EXTENDED, BLOCK_STATUS, payload, 0, length);
        }
        for (long length : new long[] {0, 4, 8, 11, 13, 15, 21, 24, 4096}) {
            assertFault(RequestFault.BAD_CONTEXT_FILTER, EXTENDED, BLOCK_STATUS, payload, 0, length);
        }
        assertFault(RequestFault.BAD_FLAGS, Requests.withContexts(true, 0), BLOCK_STATUS, payload, 0, 12);
        assertFault(RequestFault.BAD_FLAGS, WITH_CONTEXTS, BLOCK_STATUS, payload, 0, 12);
    }

    @Test
    void checksComeInOrder() {
        int everyFlag = 0xffff;
        assertFault(RequestFault.PAYLOAD_TOO_LONG, READ_ONLY, WRITE, everyFlag, -1, MAXIMUM_BYTES + 1);
        assertFault(RequestFault.BAD_FLAGS, READ_ONLY, WRITE, everyFlag, -1, 512);
        assertFault(RequestFault.READ_ONLY, READ_ONLY, WRITE, 0, -1, 512);
        assertFault(RequestFault.PAST_END, Requests.strictExport(true), READ, 0, SIZE_BYTES - 1, 2);
    }
}
