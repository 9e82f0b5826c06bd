package dev.gossamer.daemon.server.stream;

import dev.gossamer.nbd.transmission.ReplyEncoder;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.Arrays;

/**
 * What a {@link RingStream} has to send: pieces of memory, in order. Headers go one behind the other into a ring of
 * bytes of the queue's own, so that acknowledgements that follow each other are one piece; data stays where the disk
 * wrote it.
 *
 * <p>Bounded by what a connection may have under way: while too much waits it takes no command. Confined to the loop.
 */
final class SendQueue {
    /** Room for {@link #HEADERS_LIMIT_BYTES}, and for most of what is under way then. */
    private static final int HEADERS_BYTES = 32 << 10;

    /**
     * Headers that wait, beyond which no command is taken: a thousand acknowledgements. What was under way before may
     * still add as much again ({@link dev.gossamer.daemon.server.connection.ConnectionLimits}).
     */
    static final int HEADERS_LIMIT_BYTES = 16 << 10;

    /** Memory for headers that find none in the ring. */
    private static final int SEGMENT_BYTES = 4 << 10;

    /** A power of two; doubles when it is full. */
    private static final int FIRST_PIECES = 64;

    private int headersTail;
    private int headersUsed;
    // Bytes skipped at the end of the ring, freed with the piece that follows them.
    private int skipped;
    // Where the header that is being written begins, and what it is written into.
    private ByteBuf target = Unpooled.EMPTY_BUFFER;
    // What headers go into that found no room in the ring; null if the last one did.
    private ByteBuf segment;
    private int headerStart;
    private boolean headerOpen;
    private boolean inRing;

    private long[] addresses = new long[FIRST_PIECES];
    private int[] lengths = new int[FIRST_PIECES];
    /** Bytes of the ring that a piece occupies, with what was skipped before it. */
    private int[] ringBytes = new int[FIRST_PIECES];

    private ByteBuf[] owners = new ByteBuf[FIRST_PIECES];
    // Made last: nobody would give it back if one of the others found no memory.
    private final ByteBuf headers = Unpooled.directBuffer(HEADERS_BYTES, HEADERS_BYTES);
    // Running numbers of the first and of the next piece.
    private int head;
    private int tail;
    private long unsentBytes;

    long unsentBytes() {
        return unsentBytes;
    }

    /** Whether so many headers wait that no more should come. */
    boolean isCrowded() {
        return headersUsed >= HEADERS_LIMIT_BYTES;
    }

    int pieces() {
        return tail - head;
    }

    long address(int piece) {
        return addresses[slot(head + piece)];
    }

    int lengthBytes(int piece) {
        return lengths[slot(head + piece)];
    }

    /** Room for one header: what is appended is queued by {@link #endHeader}. */
    ByteBuf header() {
        endHeader();
        int room = ReplyEncoder.LONGEST_HEADER_BYTES;
        if (HEADERS_BYTES - headersTail < room && headersUsed + room <= HEADERS_BYTES) {
            skipped = HEADERS_BYTES - headersTail;
            headersUsed += skipped;
            headersTail = 0;
        }
        if (headersUsed + room <= HEADERS_BYTES && HEADERS_BYTES - headersTail >= room) {
            inRing = true;
            target = headers.writerIndex(headersTail);
            dropSegment();
        } else {
            inRing = false;
            if (segment == null || segment.writableBytes() < room) {
                dropSegment();
                segment = Unpooled.directBuffer(SEGMENT_BYTES, SEGMENT_BYTES);
            }
            target = segment;
        }
        headerStart = target.writerIndex();
        headerOpen = true;
        return target;
    }

    /** Queues the header that was written since {@link #header}, if it is not queued yet. */
    void endHeader() {
        if (!headerOpen) {
            return;
        }
        headerOpen = false;
        int lengthBytes = target.writerIndex() - headerStart;
        if (!inRing) {
            add(target.memoryAddress() + headerStart, lengthBytes, 0, target.retain());
            return;
        }
        long address = headers.memoryAddress() + headerStart;
        headersTail = headerStart + lengthBytes;
        headersUsed += lengthBytes;
        int last = slot(tail - 1);
        if (tail != head && ringBytes[last] > 0 && addresses[last] + lengths[last] == address) {
            lengths[last] += lengthBytes;
            ringBytes[last] += lengthBytes;
            unsentBytes += lengthBytes;
        } else {
            add(address, lengthBytes, lengthBytes + skipped, null);
            skipped = 0;
        }
    }

    /** Queues data behind its header, and owns it until it is sent. */
    void data(ByteBuf bytes) {
        try {
            endHeader();
        } catch (RuntimeException | Error noMemory) {
            bytes.release();
            throw noMemory;
        }
        add(bytes.memoryAddress() + bytes.readerIndex(), bytes.readableBytes(), 0, bytes);
    }

    /** So many bytes were sent: gives their memory back. */
    void sent(int bytes) {
        unsentBytes -= bytes;
        int left = bytes;
        while (left > 0) {
            int first = slot(head);
            if (lengths[first] > left) {
                addresses[first] += left;
                lengths[first] -= left;
                return;
            }
            left -= lengths[first];
            remove(first);
        }
    }

    /** Gives all memory back: the client is gone. */
    void close() {
        while (head != tail) {
            remove(slot(head));
        }
        unsentBytes = 0;
        dropSegment();
        headers.release();
    }

    private void dropSegment() {
        if (segment != null) {
            segment.release();
            segment = null;
        }
    }

    private void remove(int slot) {
        head++;
        headersUsed -= ringBytes[slot];
        ByteBuf owner = owners[slot];
        owners[slot] = null;
        if (owner != null) {
            owner.release();
        }
    }

    /** Takes the owner over, also if there is no memory for the piece. */
    private void add(long address, int lengthBytes, int occupied, ByteBuf owner) {
        if (pieces() == addresses.length) {
            try {
                grow();
            } catch (RuntimeException | Error noMemory) {
                if (owner != null) {
                    owner.release();
                }
                throw noMemory;
            }
        }
        int slot = slot(tail);
        tail++;
        addresses[slot] = address;
        lengths[slot] = lengthBytes;
        ringBytes[slot] = occupied;
        owners[slot] = owner;
        unsentBytes += lengthBytes;
    }

    private void grow() {
        int from = slot(head);
        int size = addresses.length;
        // All or none: without memory the queue stays as it is.
        long[] newAddresses = rotate(addresses, from);
        int[] newLengths = rotate(lengths, from);
        int[] newRingBytes = rotate(ringBytes, from);
        ByteBuf[] newOwners = Arrays.copyOfRange(owners, from, from + 2 * size);
        System.arraycopy(owners, 0, newOwners, size - from, from);
        addresses = newAddresses;
        lengths = newLengths;
        ringBytes = newRingBytes;
        owners = newOwners;
        head = 0;
        tail = size;
    }

    private static long[] rotate(long[] ring, int from) {
        long[] grown = Arrays.copyOfRange(ring, from, from + 2 * ring.length);
        System.arraycopy(ring, 0, grown, ring.length - from, from);
        return grown;
    }

    private static int[] rotate(int[] ring, int from) {
        int[] grown = Arrays.copyOfRange(ring, from, from + 2 * ring.length);
        System.arraycopy(ring, 0, grown, ring.length - from, from);
        return grown;
    }

    private int slot(int number) {
        return number & (addresses.length - 1);
    }
}
