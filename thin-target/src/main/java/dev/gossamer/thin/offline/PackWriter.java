package dev.gossamer.thin.offline;

import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.scan.BlockFeed;
import dev.gossamer.pdata.scan.BlockProof;
import dev.gossamer.pdata.scan.BlockSet;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;

/** Packs a metadata device, whole or damaged: every block with a good checksum, or every one that is not zero. */
public final class PackWriter {
    /** Told of a block that the device does not give: the pack lacks it. */
    public interface Lost {
        void lost(long location, String reason);
    }

    private final BlockFeed feed;
    private final boolean all;
    private final Lost lost;
    private final OutputStream out;
    private final ByteArrayOutputStream chunk = new ByteArrayOutputStream();
    private final Deflater deflater;
    private final BlockProof proof = new BlockProof();
    private DeflaterOutputStream zlib;
    // What goes out byte by byte would cost a native call each.
    private OutputStream code;
    private BlockPacker packer;
    private int inChunk;
    private long packed;
    private IOException failure;

    /** @param all also blocks whose checksum is wrong: what is damaged, and garbage */
    public PackWriter(BlockFeed feed, boolean all, OutputStream out, Lost lost) {
        this(feed, all, out, lost, Deflater.DEFAULT_COMPRESSION);
    }

    /** @param level how hard zlib tries */
    PackWriter(BlockFeed feed, boolean all, OutputStream out, Lost lost, int level) {
        deflater = new Deflater(level);
        this.feed = feed;
        this.all = all;
        this.out = out;
        this.lost = lost;
    }

    /** Writes everything. @return how many blocks are in the pack */
    public long write() throws IOException {
        ByteBuffer head = ByteBuffer.allocate(PackFormat.HEAD_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        head.putLong(PackFormat.MAGIC).putLong(PackFormat.VERSION);
        head.putLong(PackFormat.BLOCK_BYTES).putLong(feed.blocks());
        out.write(head.array());
        BlockSet every = new BlockSet(feed.blocks());
        for (long block = 0; block < feed.blocks(); block++) {
            every.add(block);
        }
        try {
            feed.feed(every, new BlockFeed.Visitor() {
                @Override
                public void block(long location, ByteBuffer bytes, int offset) {
                    try {
                        add(location, bytes, offset);
                    } catch (IOException e) {
                        failure = failure == null ? e : failure;
                    }
                }

                @Override
                public void unreadable(long location, String reason) {
                    lost.lost(location, reason);
                }
            });
            if (failure != null) {
                throw failure;
            }
            endChunk();
        } finally {
            deflater.end();
        }
        return packed;
    }

    private void add(long location, ByteBuffer bytes, int offset) throws IOException {
        if (failure != null || !isWanted(bytes, offset)) {
            return;
        }
        if (inChunk == 0) {
            chunk.reset();
            deflater.reset();
            zlib = new DeflaterOutputStream(chunk, deflater, 1 << 16);
            code = new BufferedOutputStream(zlib, 1 << 16);
            packer = new BlockPacker(code);
        }
        writeLong(code, location);
        packer.pack(bytes, offset);
        packed++;
        if (++inChunk == PackFormat.CHUNK_BLOCKS) {
            endChunk();
        }
    }

    private boolean isWanted(ByteBuffer bytes, int offset) {
        if (all) {
            return !isZero(bytes, offset);
        }
        for (BlockValidator kind : BlockValidator.values()) {
            if (proof.isKind(bytes, offset, kind)) {
                return true;
            }
        }
        return false;
    }

    private static boolean isZero(ByteBuffer bytes, int offset) {
        for (int i = 0; i < PackFormat.BLOCK_BYTES; i += Long.BYTES) {
            if (bytes.getLong(offset + i) != 0) {
                return false;
            }
        }
        return true;
    }

    private void endChunk() throws IOException {
        if (inChunk > 0) {
            code.flush();
            zlib.finish();
            writeLong(out, chunk.size());
            chunk.writeTo(out);
            inChunk = 0;
        }
    }

    private static void writeLong(OutputStream to, long value) throws IOException {
        for (int i = 0; i < Long.BYTES; i++) {
            to.write((int) (value >>> (8 * i)));
        }
    }
}
