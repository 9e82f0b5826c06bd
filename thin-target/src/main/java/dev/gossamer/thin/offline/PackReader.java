package dev.gossamer.thin.offline;

import dev.gossamer.pdata.scan.BlockSet;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.InflaterInputStream;
import java.util.zip.ZipException;

/** Reads packed metadata, ours or thin_metadata_pack's. Nothing in the file is believed before it has been compared. */
public final class PackReader {
    /** A chunk of incompressible literals, and some. */
    private static final long MAX_CHUNK_BYTES = 2L * PackFormat.CHUNK_BLOCKS * PackFormat.BLOCK_BYTES;

    /** Told of each block. */
    public interface Blocks {
        /**
         * A block.
         *
         * @param bytes of the block, lent during the call
         */
        void block(long location, ByteBuffer bytes) throws IOException;
    }

    private final InputStream in;
    private final ByteBuffer block = ByteBuffer.allocate(PackFormat.BLOCK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private final long blocks;
    private final BlockSet seen;

    /** Reads the head. */
    public PackReader(InputStream in) throws IOException {
        this.in = in;
        byte[] head = in.readNBytes(PackFormat.HEAD_BYTES);
        ByteBuffer numbers = ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN);
        if (head.length < PackFormat.HEAD_BYTES || numbers.getLong(0) != PackFormat.MAGIC) {
            throw new BadPack("is no packed metadata");
        }
        if (numbers.getLong(8) != PackFormat.VERSION || numbers.getLong(16) != PackFormat.BLOCK_BYTES) {
            throw new BadPack("is packed metadata of version " + Long.toUnsignedString(numbers.getLong(8))
                    + ", which this program does not know");
        }
        blocks = numbers.getLong(24);
        if (blocks < 0 || blocks > PackFormat.MAX_BLOCKS) {
            throw new BadPack("says that the device had " + Long.toUnsignedString(blocks)
                    + " blocks; metadata has at most " + PackFormat.MAX_BLOCKS);
        }
        seen = new BlockSet(blocks);
    }

    /** Blocks of the device that was packed. */
    public long blocks() {
        return blocks;
    }

    /** Hands out all blocks in the pack, in no order. @return how many there are */
    public long read(Blocks target) throws IOException {
        while (true) {
            byte[] length = in.readNBytes(Long.BYTES);
            if (length.length == 0) {
                return seen.size();
            }
            if (length.length < Long.BYTES) {
                throw new BadPack("is damaged: it is cut short");
            }
            long bytes = ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
            if (bytes <= 0 || bytes > MAX_CHUNK_BYTES) {
                throw new BadPack("is damaged: a chunk of " + Long.toUnsignedString(bytes) + " bytes");
            }
            readChunk(new Part(in, bytes), target);
        }
    }

    private void readChunk(Part part, Blocks target) throws IOException {
        try (InputStream inflated = new BufferedInputStream(new InflaterInputStream(part), 1 << 16)) {
            BlockUnpacker unpacker = new BlockUnpacker(inflated);
            byte[] number = new byte[Long.BYTES];
            int got = inflated.readNBytes(number, 0, number.length);
            while (got > 0) {
                long location =
                        ByteBuffer.wrap(number).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
                if (got < number.length || location < 0 || location >= blocks) {
                    throw new BadPack("is damaged: it has block " + Long.toUnsignedString(location) + " of " + blocks);
                }
                unpacker.unpack(block);
                if (!seen.add(location)) {
                    throw new BadPack("is damaged: it has block " + location + " twice");
                }
                target.block(location, block.flip());
                got = inflated.readNBytes(number, 0, number.length);
            }
        } catch (EOFException | ZipException e) {
            throw new BadPack("is damaged: " + e.getMessage());
        }
        part.finish();
    }

    /** The bytes of one chunk: what unpacks it cannot read on into the next. */
    private static final class Part extends InputStream {
        private final InputStream in;
        private long left;

        Part(InputStream in, long left) {
            this.in = in;
            this.left = left;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            if (left == 0) {
                return -1;
            }
            int got = in.read(bytes, offset, (int) Math.min(length, left));
            if (got < 0) {
                throw new EOFException("it is cut short");
            }
            left -= got;
            return got;
        }

        void finish() throws IOException {
            try {
                in.skipNBytes(left);
            } catch (EOFException e) {
                throw new BadPack("is damaged: it is cut short");
            }
        }
    }
}
