package dev.gossamer.thin.offline;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;

/** Carries out code that makes a metadata block ({@link PackFormat}). No code makes more than a block, or goes on. */
final class BlockUnpacker {
    private static final int NO_COUNT = 1;

    private final InputStream in;
    private final long[] high = new long[PackFormat.BLOCK_BYTES / Long.BYTES];
    private final long[] low = new long[PackFormat.BLOCK_BYTES / Long.BYTES];
    private ByteBuffer block;
    /** Where longs go while a SHIFTED makes its halves; null: into the block. */
    private long[] aside;

    private int asideCount;
    private int asideLimit;
    private long base;

    BlockUnpacker(InputStream in) {
        this.in = in;
    }

    /**
     * Fills a block.
     *
     * @param newBlock little-endian, 4096 bytes
     * @throws BadPack if the code does not make exactly these
     */
    void unpack(ByteBuffer newBlock) throws IOException {
        block = newBlock.clear();
        aside = null;
        base = 0;
        while (block.hasRemaining()) {
            instruction(NO_COUNT);
        }
    }

    private void instruction(int times) throws IOException {
        int code = next();
        int nibble = code & PackFormat.MAX_NIBBLE;
        int tag = code >>> 4;
        boolean repeats = tag == PackFormat.POS
                || tag == PackFormat.POS_WIDE
                || tag == PackFormat.NEG
                || tag == PackFormat.NEG_WIDE;
        if (times != NO_COUNT && !repeats) {
            throw new BadPack("instruction " + tag + " cannot be repeated");
        }
        switch (tag) {
            case PackFormat.SET -> {
                base = operand(nibble);
                emit(base);
            }
            case PackFormat.POS -> steps(nibble, times);
            case PackFormat.POS_WIDE -> steps(operand(nibble), times);
            case PackFormat.NEG -> steps(-nibble, times);
            case PackFormat.NEG_WIDE -> steps(-operand(nibble), times);
            case PackFormat.CONST -> steps(0, some(nibble));
            case PackFormat.CONST_WIDE -> steps(0, some(nibble << 8 | next()));
            case PackFormat.COUNT -> instruction(repeat(nibble));
            case PackFormat.COUNT_WIDE -> instruction(repeat(nibble << 8 | next()));
            case PackFormat.LITERAL -> literal(nibble);
            case PackFormat.LITERAL_WIDE -> literal(operand(nibble));
            case PackFormat.SHIFTED -> shifted(nibble << 8 | next());
            default -> throw new BadPack("there is no instruction " + tag);
        }
    }

    private static int repeat(int times) throws BadPack {
        if (times <= NO_COUNT) {
            throw new BadPack("an instruction is to be repeated " + times + " times");
        }
        return times;
    }

    /** What makes nothing could go on for ever. */
    private static int some(int times) throws BadPack {
        if (times == 0) {
            throw new BadPack("an instruction makes nothing");
        }
        return times;
    }

    private void steps(long step, int times) throws BadPack {
        for (int i = 0; i < times; i++) {
            base += step;
            emit(base);
        }
    }

    private void emit(long value) throws BadPack {
        if (aside != null) {
            if (asideCount == asideLimit) {
                throw new BadPack("more halves than announced");
            }
            aside[asideCount++] = value;
        } else if (block.remaining() < Long.BYTES) {
            throw new BadPack("a block becomes longer than 4096 bytes");
        } else {
            block.putLong(value);
        }
    }

    private void literal(long length) throws IOException {
        if (length <= 0 || length > block.remaining() || aside != null) {
            throw new BadPack("literal bytes do not fit");
        }
        byte[] bytes = new byte[(int) length];
        if (in.readNBytes(bytes, 0, bytes.length) < bytes.length) {
            throw cut();
        }
        block.put(bytes);
    }

    private void shifted(int count) throws IOException {
        if (aside != null || count == 0 || count > block.remaining() / Long.BYTES) {
            throw new BadPack("shifted longs do not fit");
        }
        halves(high, count);
        halves(low, count);
        aside = null;
        for (int i = 0; i < count; i++) {
            emit(high[i] << PackFormat.SHIFT | low[i]);
        }
    }

    private void halves(long[] target, int count) throws IOException {
        aside = target;
        asideCount = 0;
        asideLimit = count;
        while (asideCount < count) {
            instruction(NO_COUNT);
        }
    }

    private long operand(int bytes) throws IOException {
        if (bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8) {
            throw new BadPack("an operand of " + bytes + " bytes");
        }
        long value = 0;
        for (int i = 0; i < bytes; i++) {
            value |= (long) next() << (8 * i);
        }
        return value;
    }

    private int next() throws IOException {
        int value = in.read();
        if (value < 0) {
            throw cut();
        }
        return value;
    }

    private static EOFException cut() {
        return new EOFException("the code of a block is cut short");
    }
}
