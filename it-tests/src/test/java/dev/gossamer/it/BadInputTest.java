package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Clients that say wrong things are refused cleanly, while the daemon and another connection go on. */
final class BadInputTest {
    private static final int EINVAL = 22;
    private static final int ENOSPC = 28;
    private static final int VOLUME_BYTES = 64 << 20;

    @TempDir
    private Path scratch;

    private Daemon daemon;
    private NbdConnection bystander;

    @BeforeEach
    void serveWithABystander() throws Exception {
        daemon = Daemon.create(scratch);
        daemon.start();
        daemon.createVolume("vol", "64M");
        bystander = NbdConnection.open(daemon.socket(), "vol");
        bystander.writeNow(0, new byte[] {1, 2, 3, 4});
    }

    @AfterEach
    void bystanderWasNotDisturbed() throws Exception {
        try (Daemon served = daemon;
                NbdConnection connection = bystander) {
            assertEquals(ByteBuffer.wrap(new byte[] {1, 2, 3, 4}), ByteBuffer.wrap(connection.readNow(0, 4)));
            connection.flushNow();
            served.stopAndCheck();
        }
    }

    private NbdConnection connect() throws IOException {
        return NbdConnection.connect(daemon.socket());
    }

    private NbdConnection open() throws IOException {
        return NbdConnection.open(daemon.socket(), "vol");
    }

    @Test
    void wrongOptionMagicClosesTheConnection() throws Exception {
        try (NbdConnection connection = connect()) {
            connection.greet();
            connection.write(
                    ByteBuffer.wrap("IHAVEOPS\0\0\0\3\0\0\0\0".getBytes(java.nio.charset.StandardCharsets.ISO_8859_1)));
            assertEquals(0, connection.readToEnd());
        }
    }

    @Test
    void unknownClientFlagsCloseTheConnection() throws Exception {
        try (NbdConnection connection = connect()) {
            connection.read(18);
            connection.write(ByteBuffer.allocate(4).putInt(0x80000003).flip());
            assertEquals(0, connection.readToEnd());
        }
    }

    @Test
    void unknownOptionIsUnsupportedAndTheHandshakeGoesOn() throws Exception {
        try (NbdConnection connection = connect()) {
            connection.greet();
            connection.sendOption(0x7eadbeef, new byte[] {1, 2, 3, 4});
            NbdConnection.OptionReply reply = connection.readOptionReply();
            assertEquals(0x7eadbeef, reply.option());
            assertEquals(NbdConnection.REPLY_ERROR_UNSUPPORTED, reply.type());
            connection.go("vol");
            assertEquals(VOLUME_BYTES, connection.sizeBytes());
        }
    }

    @Test
    void unknownExportIsAnErrorReplyAndAnotherNameMayFollow() throws Exception {
        try (NbdConnection connection = connect()) {
            connection.greet();
            connection.sendOption(NbdConnection.OPTION_GO, new byte[] {0, 0, 0, 2, 'n', 'o', 0, 0});
            assertEquals(
                    NbdConnection.REPLY_ERROR_UNKNOWN,
                    connection.readOptionReply().type());
            connection.go("vol");
            assertEquals(VOLUME_BYTES, connection.sizeBytes());
        }
    }

    @Test
    void nameLongerThanItsOptionIsInvalid() throws Exception {
        try (NbdConnection connection = connect()) {
            connection.greet();
            connection.sendOption(NbdConnection.OPTION_GO, new byte[] {-1, -1, -1, -1, 0, 0});
            assertEquals(
                    NbdConnection.REPLY_ERROR_INVALID,
                    connection.readOptionReply().type());
            connection.sendOption(NbdConnection.OPTION_LIST, new byte[] {1});
            assertEquals(
                    NbdConnection.REPLY_ERROR_INVALID,
                    connection.readOptionReply().type());
            connection.go("vol");
            assertEquals(VOLUME_BYTES, connection.sizeBytes());
        }
    }

    @Test
    void optionOfFourGibibytesClosesTheConnection() throws Exception {
        try (NbdConnection connection = connect()) {
            connection.greet();
            connection.sendOptionHeader(NbdConnection.OPTION_GO, -1);
            connection.readToEnd(); // an error reply before the end is allowed
        }
    }

    @Test
    void halfHandshakesLeaveNothingBehind() throws Exception {
        byte[] wellFormed = ByteBuffer.allocate(4 + 16 + 9)
                .putInt(3)
                .putLong(NbdConnection.OPTION_MAGIC)
                .putInt(NbdConnection.OPTION_GO)
                .putInt(9)
                .put(new byte[] {0, 0, 0, 3, 'v', 'o', 'l', 0, 0})
                .array();
        for (int round = 0; round < 3; round++) {
            for (int length = 0; length <= wellFormed.length; length++) {
                try (NbdConnection connection = connect()) {
                    if (round > 0) {
                        connection.read(18);
                    }
                    connection.write(ByteBuffer.wrap(wellFormed, 0, length));
                }
            }
        }
    }

    @Test
    void wrongRequestMagicClosesTheConnection() throws Exception {
        try (NbdConnection connection = open()) {
            connection.sendHeader(0x25609512, NbdConnection.READ, 0, 7, 0, 512);
            assertEquals(0, connection.readToEnd());
        }
    }

    @Test
    void requestsThatCannotBeDoneGetAnErrorAndTheConnectionGoesOn() throws Exception {
        try (NbdConnection connection = open()) {
            assertEquals(EINVAL, errorOf(connection, 99, 0, 0, 0));
            assertEquals(EINVAL, errorOf(connection, NbdConnection.READ, 0, VOLUME_BYTES - 512, 1024));
            assertEquals(EINVAL, errorOf(connection, NbdConnection.READ, 0, -1, 2));
            assertEquals(EINVAL, errorOf(connection, NbdConnection.TRIM, 0, VOLUME_BYTES, 512));
            assertEquals(EINVAL, errorOf(connection, NbdConnection.READ, 1 << 15, 0, 512));
            assertEquals(ENOSPC, errorOf(connection, NbdConnection.WRITE_ZEROES, 0, VOLUME_BYTES, 512));
            connection.sendWrite(0, 5, VOLUME_BYTES - 100, new byte[101]);
            assertEquals(new NbdConnection.Reply(5, ENOSPC), connection.readReply());
            assertEquals(2, connection.readNow(0, 4)[1]);
        }
    }

    private static int errorOf(NbdConnection connection, int command, int flags, long offsetBytes, int lengthBytes)
            throws IOException {
        connection.send(command, flags, 77, offsetBytes, lengthBytes);
        NbdConnection.Reply reply = connection.readReply();
        assertEquals(77, reply.cookie());
        return reply.error();
    }

    @Test
    void tooLargeAReadIsRefused() throws Exception {
        daemon.createVolume("huge", "8T");
        try (NbdConnection connection = NbdConnection.open(daemon.socket(), "huge")) {
            int error = errorOf(connection, NbdConnection.READ, 0, 0, Integer.MAX_VALUE);
            assertTrue(error != 0);
            assertEquals(512, connection.readNow(1L << 42, 512).length);
        }
    }

    @Test
    void writeThatAnnouncesFourGibibytesEndsTheConnection() throws Exception {
        try (NbdConnection connection = open()) {
            connection.send(NbdConnection.WRITE, 0, 7, 0, -1);
            connection.write(ByteBuffer.allocate(100));
        }
        try (NbdConnection connection = open()) {
            assertEquals(2, connection.readNow(0, 4)[1]);
        }
    }

    @Test
    void halfAWritePayloadChangesNothing() throws Exception {
        byte[] old = new byte[8192];
        Arrays.fill(old, (byte) 9);
        try (NbdConnection connection = open()) {
            connection.writeNow(1 << 20, old);
            connection.send(NbdConnection.WRITE, 0, 7, 1 << 20, 8192);
            connection.write(ByteBuffer.allocate(4096));
        }
        try (NbdConnection connection = open()) {
            assertEquals(ByteBuffer.wrap(old), ByteBuffer.wrap(connection.readNow(1 << 20, 8192)));
        }
    }
}
