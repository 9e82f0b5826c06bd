package dev.gossamer.it.sim.load;

import dev.gossamer.it.sim.judge.Command;
import dev.gossamer.it.sim.judge.Judge;
import dev.gossamer.it.sim.judge.Violation;
import dev.gossamer.it.sim.judge.Violation.Oracle;
import dev.gossamer.nbd.wire.NbdCommand;
import java.nio.ByteBuffer;
import java.util.function.BiConsumer;

/** Reads replies, simple and structured, as the protocol describes them, and believes nothing. */
final class ReplyParser {
    private static final int SIMPLE = 0x67446698;
    private static final int CHUNK = 0x668e33ef;
    private static final int SIMPLE_BYTES = 16;
    private static final int CHUNK_BYTES = 20;
    private static final int DONE = 1;
    private static final int ERROR_BIT = 0x8000;

    private final Judge judge;
    private final boolean structured;
    private final BiConsumer<Command, Integer> answered;

    ReplyParser(Judge judge, boolean structured, BiConsumer<Command, Integer> answered) {
        this.judge = judge;
        this.structured = structured;
        this.answered = answered;
    }

    /** Takes one whole reply, or chunk, from the buffer. False: there is none yet. */
    boolean take(ByteBuffer in) {
        if (in.remaining() < Integer.BYTES) {
            return false;
        }
        int magic = in.getInt(in.position());
        if (magic == SIMPLE) {
            return in.remaining() >= SIMPLE_BYTES && simple(in);
        }
        if (magic != CHUNK || !structured) {
            throw new Violation(Oracle.REPLY, "a reply begins with " + Integer.toHexString(magic));
        }
        return in.remaining() >= CHUNK_BYTES && chunk(in);
    }

    private boolean simple(ByteBuffer in) {
        int error = in.getInt(in.position() + 4);
        Command command = judge.asked(in.getLong(in.position() + 8));
        boolean data = command.type == NbdCommand.READ && error == 0;
        if (structured && command.type == NbdCommand.READ) {
            throw new Violation(Oracle.REPLY, command + " has a simple reply");
        }
        int length = data ? command.data.length : 0;
        if (in.remaining() < SIMPLE_BYTES + length) {
            return false;
        }
        in.position(in.position() + SIMPLE_BYTES);
        if (data) {
            in.get(command.data);
            command.arrivedBytes = length;
        }
        answered.accept(command, error);
        return true;
    }

    private boolean chunk(ByteBuffer in) {
        int start = in.position();
        int length = in.getInt(start + 16);
        if (length < 0 || length > 64 << 20) {
            throw new Violation(Oracle.REPLY, "a chunk of " + length + " bytes");
        }
        if (in.remaining() < CHUNK_BYTES + length) {
            return false;
        }
        int flags = in.getShort(start + 4);
        int type = in.getShort(start + 6) & 0xFFFF;
        Command command = judge.asked(in.getLong(start + 8));
        ByteBuffer payload = in.slice(start + CHUNK_BYTES, length);
        in.position(start + CHUNK_BYTES + length);
        payload(command, type, payload);
        if ((flags & DONE) != 0) {
            answered.accept(command, command.error);
        }
        return true;
    }

    private static void payload(Command command, int type, ByteBuffer payload) {
        if ((type & ERROR_BIT) != 0) {
            int error = payload.getInt();
            if (error == 0) {
                throw new Violation(Oracle.REPLY, command + " has an error chunk without an error");
            }
            command.error = command.error == 0 ? error : command.error;
            return;
        }
        switch (type) {
            case 0 -> {}
            case 1 -> {
                int at = place(command, payload.getLong(), payload.remaining());
                payload.get(command.data, at, payload.remaining());
            }
            case 2 -> place(command, payload.getLong(), payload.getInt());
            case 5 -> blockStatus(command, payload);
            default -> throw new Violation(Oracle.REPLY, command + " has a chunk of type " + type);
        }
    }

    private static int place(Command command, long offset, int length) {
        long at = offset - command.offsetBytes;
        if (command.type != NbdCommand.READ || length <= 0 || at < 0 || at + length > command.data.length) {
            throw new Violation(Oracle.REPLY, command + " has data for " + offset + "+" + length);
        }
        command.arrivedBytes += length;
        return (int) at;
    }

    private static void blockStatus(Command command, ByteBuffer payload) {
        payload.getInt();
        if (command.type != NbdCommand.BLOCK_STATUS || payload.remaining() == 0 || payload.remaining() % 8 != 0) {
            throw new Violation(Oracle.REPLY, command + " has a status of " + payload.remaining() + " bytes");
        }
        while (payload.hasRemaining()) {
            int extent = payload.getInt();
            payload.getInt();
            if (extent == 0) {
                throw new Violation(Oracle.REPLY, command + " has an empty extent");
            }
        }
    }
}
