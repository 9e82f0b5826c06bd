package dev.gossamer.thin.offline;

import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.scan.BlockProof;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;

/** Writes code that makes a metadata block ({@link PackFormat}). Of a B-tree node's keys and values it takes steps. */
final class BlockPacker {
    private static final int HEADER_BYTES = 32;
    private static final int FLAGS = 4;
    private static final int LEAF = 2;
    private static final int MAX_ENTRIES = 20;
    private static final int VALUE_BYTES = 24;

    private final OutputStream out;
    private final BlockProof proof = new BlockProof();
    private final byte[] literal = new byte[PackFormat.BLOCK_BYTES];
    private final long[] words = new long[PackFormat.BLOCK_BYTES / Long.BYTES];

    BlockPacker(OutputStream out) {
        this.out = out;
    }

    /** @param bytes little-endian */
    void pack(ByteBuffer bytes, int offset) throws IOException {
        int valueBytes = bytes.getInt(offset + VALUE_BYTES);
        int max = bytes.getInt(offset + MAX_ENTRIES);
        boolean fits = valueBytes > 0
                && max > 0
                && max <= (PackFormat.BLOCK_BYTES - HEADER_BYTES) / (Long.BYTES + (long) valueBytes);
        if (!fits || !proof.isKind(bytes, offset, BlockValidator.BTREE_NODE)) {
            literal(bytes, offset, PackFormat.BLOCK_BYTES);
            return;
        }
        literal(bytes, offset, HEADER_BYTES);
        int at = HEADER_BYTES;
        longs(bytes, offset + at, max);
        steps(max);
        at += max * Long.BYTES;
        if (valueBytes == Long.BYTES) {
            longs(bytes, offset + at, max);
            if (bytes.getInt(offset + FLAGS) == LEAF) {
                shifted(max);
            } else {
                steps(max);
            }
            at += max * Long.BYTES;
        }
        literal(bytes, offset + at, PackFormat.BLOCK_BYTES - at);
    }

    private void longs(ByteBuffer bytes, int offset, int count) {
        for (int i = 0; i < count; i++) {
            words[i] = bytes.getLong(offset + i * Long.BYTES);
        }
    }

    private void literal(ByteBuffer bytes, int offset, int length) throws IOException {
        if (length == 0) {
            return;
        }
        if (length <= PackFormat.MAX_NIBBLE) {
            instruction(PackFormat.LITERAL, length);
        } else {
            wide(PackFormat.LITERAL_WIDE, length);
        }
        bytes.get(offset, literal, 0, length);
        out.write(literal, 0, length);
    }

    /** Mappings are data block and time, which change each in its own way. */
    private void shifted(int count) throws IOException {
        counted(PackFormat.SHIFTED, count);
        long[] low = new long[count];
        for (int i = 0; i < count; i++) {
            low[i] = words[i] & (1L << PackFormat.SHIFT) - 1;
            words[i] >>>= PackFormat.SHIFT;
        }
        steps(count);
        System.arraycopy(low, 0, words, 0, count);
        steps(count);
    }

    /** The first word, then how each differs from the one before. */
    private void steps(int count) throws IOException {
        wide(PackFormat.SET, words[0]);
        int at = 1;
        while (at < count) {
            long step = words[at] - words[at - 1];
            int run = 1;
            while (at + run < count && words[at + run] - words[at + run - 1] == step) {
                run++;
            }
            step(step, run);
            at += run;
        }
    }

    private void step(long step, int run) throws IOException {
        if (step == 0) {
            if (run <= PackFormat.MAX_NIBBLE) {
                instruction(PackFormat.CONST, run);
            } else {
                counted(PackFormat.CONST_WIDE, run);
            }
            return;
        }
        if (run > PackFormat.MAX_NIBBLE) {
            counted(PackFormat.COUNT_WIDE, run);
        } else if (run > 1) {
            instruction(PackFormat.COUNT, run);
        }
        long distance = Math.abs(step);
        if (distance > 0 && distance <= PackFormat.MAX_NIBBLE) {
            instruction(step > 0 ? PackFormat.POS : PackFormat.NEG, (int) distance);
        } else {
            wide(step > 0 ? PackFormat.POS_WIDE : PackFormat.NEG_WIDE, distance);
        }
    }

    private void instruction(int tag, int nibble) throws IOException {
        out.write(tag << 4 | nibble);
    }

    private void counted(int tag, int count) throws IOException {
        instruction(tag, count >>> 8);
        out.write(count);
    }

    /** @param value without sign */
    private void wide(int tag, long value) throws IOException {
        int size = value >>> 8 == 0 ? 1 : value >>> 16 == 0 ? 2 : value >>> 32 == 0 ? 4 : 8;
        instruction(tag, size);
        for (int i = 0; i < size; i++) {
            out.write((int) (value >>> (8 * i)));
        }
    }
}
