package dev.gossamer.snapshot.store;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.io.worker.WorkerIo;
import java.util.Arrays;
import java.util.Objects;
import java.util.UUID;
import java.util.function.IntFunction;

/**
 * Makes a persistent store on an empty device, or reads one that is there. Worker's thread; answers there.
 *
 * <p>Everything is checked before anything is written; what is refused is left as it was.
 */
public final class StoreOpening {
    private static final int SECTOR_BYTES = 512;

    /** Gets the store, or else the reason why there is none. */
    public interface Answer {
        void opened(PersistentStore store);

        void refused(StorageException why);
    }

    private final WorkerIo io;
    private final BlockDevice device;
    private final String name;
    private final UUID id;
    private final Answer answer;

    /**
     * For one store.
     *
     * @param name of the snapshot, for messages
     * @param id that the store has, or shall have; null for none
     */
    public StoreOpening(WorkerIo io, BlockDevice device, String name, UUID id, Answer answer) {
        this.id = id;
        this.answer = answer;
        this.io = io;
        this.device = device;
        this.name = name;
    }

    /** Makes a new store. Its first 4 KiB must be zero: everything else on the device is given up. */
    public void create(int chunkBytes) {
        readHeader((header, isZero) -> {
            if (isZero) {
                format(new StoreLayout(chunkBytes));
            } else if (header.magic() == StoreHeader.MAGIC) {
                refuse(
                        Errno.EEXIST,
                        header.valid() == 0
                                ? "the store holds a snapshot that became invalid; wipe its first 4 KiB to use it again"
                                : "the store holds a snapshot already; open it, or wipe its first 4 KiB to use "
                                        + "it again");
            } else {
                refuse(
                        Errno.EEXIST,
                        "there is something on the store device; if it is not needed, wipe its first 4 KiB");
            }
        });
    }

    /**
     * Wipes the header of the store if it is the one of this id; whatever else is on the device stays.
     *
     * @param done told the outcome, an errno; nothing is left to do if it is not that store
     */
    public void erase(WorkerIo.Done done) {
        readHeader((header, isZero) -> {
            if (header.magic() != StoreHeader.MAGIC
                    || header.id() == null
                    || !header.id().equals(id)
                    || !isChunkSize(header.chunkSectors(), SECTOR_BYTES)) {
                done.done(Errno.OK);
                return;
            }
            StoreLayout layout = new StoreLayout(header.chunkSectors() * SECTOR_BYTES);
            new PersistentStore(io, device, layout, header, new RecordArea(0, layout), 1).wipe(done);
        });
    }

    /**
     * Reads a store.
     *
     * @param originBytes size of the snapshot: a record that names a chunk beyond it is refused
     * @param leastChunkBytes the larger sector size of origin and store
     * @param remaps makes a table, given the size of chunks in bytes; not asked for one if the store is invalid
     */
    public void open(long originBytes, int leastChunkBytes, IntFunction<Remaps> remaps) {
        readHeader((header, isZero) -> {
            if (header.magic() != StoreHeader.MAGIC) {
                refuse(Errno.EINVAL, "the store device holds no snapshot store; create the snapshot first");
            } else if (header.version() != StoreHeader.VERSION) {
                refuse(Errno.EINVAL, "the store has format version " + header.version() + "; only version 1 is known");
            } else if (!isChunkSize(header.chunkSectors(), leastChunkBytes)) {
                refuse(
                        Errno.EINVAL,
                        "the store says that its chunks have " + Integer.toUnsignedString(header.chunkSectors())
                                + " sectors, which cannot be on these devices; the header is damaged, or the "
                                + "sector size"
                                + " of a device has changed");
            } else if (!Objects.equals(header.id(), id)) {
                refuse(Errno.EINVAL, "the device holds another snapshot's store; was it swapped for another?");
            } else {
                StoreLayout layout = new StoreLayout(header.chunkSectors() * SECTOR_BYTES);
                long originChunks = Math.ceilDiv(originBytes, layout.chunkBytes);
                if (originChunks > ChunkRemap.MAX_CHUNKS) {
                    refuse(
                            Errno.EINVAL,
                            "the origin has " + originBytes + " bytes, too many for the store's chunks of "
                                    + layout.chunkBytes + " bytes; it is another origin's");
                } else if (header.valid() == 0) {
                    answer.opened(new PersistentStore(io, device, layout, header, new RecordArea(0, layout), 1));
                } else {
                    new TableReading(header, layout, originChunks, remaps.apply(layout.chunkBytes)).area(0);
                }
            }
        });
    }

    /** Receives the table, in stored order. */
    @FunctionalInterface
    public interface Remaps {
        /** Adds a record. @return whether the old chunk was not there yet */
        boolean add(long oldChunk, long newChunk);
    }

    private interface HeaderRead {
        void with(StoreHeader header, boolean isZero);
    }

    /** Power of two, whole sectors of both devices, at most 2^21 sectors (rule S-L1). */
    private static boolean isChunkSize(int sectors, int leastChunkBytes) {
        return sectors > 0
                && sectors <= 1 << 21
                && Integer.bitCount(sectors) == 1
                && (long) sectors * SECTOR_BYTES >= leastChunkBytes;
    }

    private void readHeader(HeaderRead then) {
        int length = Math.max(StoreHeader.BLOCK_BYTES, device.geometry().alignmentBytes());
        if (device.sizeBytes() < length) {
            refuse(Errno.ENOSPC, "the store device has " + device.sizeBytes() + " bytes, too few for any store");
            return;
        }
        io.withBuffer(
                length,
                buffer -> io.read(device, 0, length, buffer, 0, errno -> {
                    StoreHeader header;
                    boolean isZero;
                    try {
                        header = StoreHeader.read(buffer);
                        isZero = isZero(buffer, length);
                    } finally {
                        buffer.release();
                    }
                    if (errno == Errno.OK) {
                        then.with(header, isZero);
                    } else {
                        refuse(errno, "reading the store's header failed: " + Errno.name(errno));
                    }
                }));
    }

    private static boolean isZero(IoBuffer buffer, int length) {
        for (int at = 0; at < length; at += Long.BYTES) {
            if (buffer.bytes().getLong(at) != 0) {
                return false;
            }
        }
        return true;
    }

    /**
     * The table is made empty before the header says that there is one. If we crash in between, the device still holds
     * no store.
     */
    private void format(StoreLayout layout) {
        int page = PersistentStore.pageBytes(layout.chunkBytes, device);
        io.command(device, BlockOperation.WRITE_ZEROES, 0, 2L * layout.chunkBytes, BlockRequest.NO_UNMAP, zeroed -> {
            if (failed(zeroed, "zeroing the store's table")) {
                return;
            }
            io.flush(device, flushed -> {
                if (failed(flushed, "flushing the store")) {
                    return;
                }
                io.withBuffer(page, buffer -> {
                    buffer.zero(0, page);
                    StoreHeader header = StoreHeader.of(layout.chunkBytes, true, id);
                    header.write(buffer);
                    io.write(device, 0, page, BlockRequest.FUA, buffer, 0, written -> {
                        buffer.release();
                        if (!failed(written, "writing the store's header")) {
                            answer.opened(
                                    new PersistentStore(io, device, layout, header, new RecordArea(0, layout), 1));
                        }
                    });
                });
            });
        });
    }

    private boolean failed(int errno, String step) {
        if (errno != Errno.OK) {
            refuse(errno, step + " failed: " + Errno.name(errno));
        }
        return errno != Errno.OK;
    }

    private void refuse(int errno, String why) {
        answer.refused(new StorageException(errno, "snapshot " + name + ": " + why));
    }

    /** Reads area after area until one is not full. */
    private final class TableReading {
        private final StoreHeader header;
        private final StoreLayout layout;
        private final long originChunks;
        private final long storeChunks;
        private final Remaps remaps;
        private long highestNewChunk = 1;
        // For as long as the table is being read; as many as it has records.
        private long[] newChunks = new long[256];
        private int records;
        private String damage;

        TableReading(StoreHeader header, StoreLayout layout, long originChunks, Remaps remaps) {
            this.header = header;
            this.layout = layout;
            this.originChunks = originChunks;
            this.storeChunks = device.sizeBytes() / layout.chunkBytes;
            this.remaps = remaps;
        }

        void area(long number) {
            if (layout.areaChunk(number) >= storeChunks) {
                refuse(
                        Errno.EINVAL,
                        "the store's table goes on beyond the end of its device (" + device.sizeBytes()
                                + " bytes); it was cut off, give it its full size again");
                return;
            }
            RecordArea area = new RecordArea(number, layout);
            AreaReader reader = new AreaReader(io, device, layout);
            reader.read(number, (oldChunk, newChunk) -> take(area, oldChunk, newChunk), (errno, count) -> {
                if (errno != Errno.OK) {
                    refuse(errno, "reading the store's table failed: " + Errno.name(errno));
                } else if (damage != null) {
                    refuse(Errno.EINVAL, damage);
                } else if (area.isFull()) {
                    area(number + 1);
                } else {
                    clearBehind(area, reader.lastNonZeroByte());
                }
            });
        }

        private void take(RecordArea area, long oldChunk, long newChunk) {
            boolean known = newChunk > 1
                    && newChunk < Math.min(storeChunks, StoreLayout.MAX_CHUNK)
                    && !layout.isMetadata(newChunk)
                    && oldChunk >= 0
                    && oldChunk < originChunks;
            if (damage == null && !(known && remaps.add(oldChunk, newChunk))) {
                damage = "record " + area.count() + " of table " + area.number + " maps chunk "
                        + Long.toUnsignedString(oldChunk) + " to " + Long.toUnsignedString(newChunk)
                        + ", which cannot be; the store is damaged, or belongs to another origin";
            }
            highestNewChunk = Math.max(highestNewChunk, newChunk);
            if (records == newChunks.length) {
                newChunks = Arrays.copyOf(newChunks, 2 * records);
            }
            newChunks[records++] = newChunk;
            area.add(oldChunk, newChunk);
        }

        /**
         * A table write that power loss tore can leave records behind the end mark. They count for nothing, until new
         * records fill the gap before them: so they are cleared now, before the store is used.
         */
        private void clearBehind(RecordArea area, int lastNonZeroByte) {
            long twice = namedTwice();
            if (twice >= 0) {
                refuse(
                        Errno.EINVAL,
                        "two records map to chunk " + twice + ", where each has its own; the store is damaged");
                return;
            }
            PersistentStore store = new PersistentStore(io, device, layout, header, area, highestNewChunk);
            int end = area.count() * StoreLayout.RECORD_BYTES;
            if (lastNonZeroByte <= end) {
                answer.opened(store);
                return;
            }
            clear(store, area, end, lastNonZeroByte);
        }

        /** A chunk of the store that two records name, so that a write to one would change the other; or -1. */
        private long namedTwice() {
            Arrays.sort(newChunks, 0, records);
            for (int i = 1; i < records; i++) {
                if (newChunks[i] == newChunks[i - 1]) {
                    return newChunks[i];
                }
            }
            newChunks = new long[0];
            return -1;
        }

        private void clear(PersistentStore store, RecordArea area, int from, int to) {
            if (from >= to) {
                answer.opened(store);
                return;
            }
            // Pages are whole in a piece, and the first of them holds records.
            int end = Math.min(to, from - from % WorkerIo.PIECE_BYTES + WorkerIo.PIECE_BYTES);
            store.writePages(area, from, end, errno -> {
                if (!failed(errno, "clearing torn records of the store's table")) {
                    clear(store, area, end, to);
                }
            });
        }
    }
}
