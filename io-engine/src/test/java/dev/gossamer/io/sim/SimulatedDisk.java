package dev.gossamer.io.sim;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * A disk in memory with a volatile write cache.
 *
 * <ol>
 *   <li>A write goes to the cache; reads see it at once.
 *   <li>FLUSH makes stable what had completed when it was submitted; FUA makes its own request stable.
 *   <li>{@link #crash} is a power cut: of the unstable writes any subset survives, per 512-byte sector. Since the
 *       survivor of a sector may be any of its versions, this also covers every reordering.
 * </ol>
 *
 * Requests take effect and complete in a task of their loop, or apart from each other as a {@link Timing} says; what
 * was not completed when a FLUSH came is not covered by it. Usable from several loops.
 */
public final class SimulatedDisk implements BlockDevice {
    public static final int SECTOR_BYTES = 512;

    /** One change in the cache. {@code data} is null for zeros. */
    private static final class CachedWrite {
        final long offsetBytes;
        final long lengthBytes;
        final byte[] data;
        /** Among the completions of changes, from 1; 0 while its requester has not heard of it. */
        long completion;

        boolean stable;
        /** A flush has failed: reads show it, but it will never be stable. */
        boolean doomed;

        CachedWrite(long offsetBytes, long lengthBytes, byte[] data, boolean stable) {
            this.offsetBytes = offsetBytes;
            this.lengthBytes = lengthBytes;
            this.data = data;
            this.stable = stable;
        }

        CachedWrite copy() {
            CachedWrite copy = new CachedWrite(offsetBytes, lengthBytes, data, stable);
            copy.completion = completion;
            copy.doomed = doomed;
            return copy;
        }

        void applyTo(SparseBytes bytes) {
            if (data == null) {
                bytes.zero(offsetBytes, lengthBytes);
            } else {
                bytes.write(offsetBytes, data, 0, data.length);
            }
        }
    }

    /** When requests take effect, and when their requesters hear of it. */
    public interface Timing {
        /** Runs the task, which is the effect, on the request's loop, some time. */
        void effect(BlockRequest request, Runnable task);

        /** Runs the task, which is the completion, there, some time after. */
        void completion(BlockRequest request, Runnable task);
    }

    /** Both in one task of the loop. */
    private static final class AtOnce implements Timing {
        @Override
        public void effect(BlockRequest request, Runnable task) {
            request.loop().execute(task);
        }

        @Override
        public void completion(BlockRequest request, Runnable task) {
            task.run();
        }
    }

    private final PowerSupply power;
    private Timing timing = new AtOnce();
    private final int alignmentBytes;
    private final long discardBytes;
    private long sizeBytes;
    private boolean readOnly;
    private String identityName = "";
    private SparseBytes stable = new SparseBytes();
    private SparseBytes current = new SparseBytes();
    private List<CachedWrite> cache = new ArrayList<>();
    private long completions;
    private long writes;
    private int powerCycle;

    public SimulatedDisk(long sizeBytes) {
        this(sizeBytes, SECTOR_BYTES);
    }

    public SimulatedDisk(long sizeBytes, int alignmentBytes) {
        this(sizeBytes, alignmentBytes, new PowerSupply());
    }

    public SimulatedDisk(long sizeBytes, int alignmentBytes, PowerSupply power) {
        this(sizeBytes, alignmentBytes, alignmentBytes, power);
    }

    /** @param discardBytes granularity of DISCARD, 0 = a disk that cannot discard */
    public SimulatedDisk(long sizeBytes, int alignmentBytes, long discardBytes, PowerSupply power) {
        if (alignmentBytes < SECTOR_BYTES || sizeBytes % alignmentBytes != 0) {
            throw new IllegalArgumentException("size and alignment must be whole sectors");
        }
        this.sizeBytes = sizeBytes;
        this.alignmentBytes = alignmentBytes;
        this.discardBytes = discardBytes;
        this.power = power;
    }

    /** An independent disk with the same content and cache, to try another end of the same story. */
    public synchronized SimulatedDisk copy(PowerSupply newPower) {
        SimulatedDisk copy = new SimulatedDisk(sizeBytes, alignmentBytes, discardBytes, newPower);
        copy.stable = stable.copy();
        copy.current = current.copy();
        copy.completions = completions;
        for (CachedWrite write : cache) {
            copy.cache.add(write.copy());
        }
        return copy;
    }

    /** For requests from now on. */
    public synchronized void setTiming(Timing newTiming) {
        timing = newTiming;
    }

    /** What it tells of itself from now on; nothing at first. */
    public synchronized void setIdentityName(String name) {
        identityName = name;
    }

    @Override
    public synchronized String identityName() {
        return identityName;
    }

    @Override
    public synchronized BlockGeometry geometry() {
        return new BlockGeometry(sizeBytes, alignmentBytes, readOnly, discardBytes);
    }

    /** As a sparse file does: what was never written, or has been discarded in whole chunks. */
    @Override
    public synchronized boolean readsAsZeros(long offsetBytes, long lengthBytes) {
        return current.isHole(offsetBytes, lengthBytes);
    }

    @Override
    public void submit(BlockRequest request) {
        int cycle;
        long coveredByFlush;
        synchronized (this) {
            cycle = powerCycle;
            coveredByFlush = completions;
        }
        timing.effect(request, () -> {
            CachedWrite[] change = new CachedWrite[1];
            int errno = serve(request, cycle, coveredByFlush, change);
            timing.completion(request, () -> complete(request, errno, change[0]));
        });
    }

    private void complete(BlockRequest request, int errno, CachedWrite change) {
        synchronized (this) {
            if (change != null) {
                change.completion = ++completions;
            }
        }
        request.complete(errno);
    }

    private synchronized int serve(BlockRequest request, int cycle, long coveredByFlush, CachedWrite[] change) {
        BlockOperation operation = request.operation();
        int errno = check(request);
        if (errno != Errno.OK) {
            return errno;
        }
        if (cycle != powerCycle || !power.tryOperation(operation != BlockOperation.READ)) {
            return Errno.EIO;
        }
        switch (operation) {
            case READ -> read(request);
            case WRITE -> change[0] = change(request, request.offsetBytes(), request.lengthBytes(), dataOf(request));
            case WRITE_ZEROES -> change[0] = change(request, request.offsetBytes(), request.lengthBytes(), null);
            case DISCARD -> change[0] = discard(request);
            case FLUSH -> makeStable(coveredByFlush);
        }
        return Errno.OK;
    }

    private int check(BlockRequest request) {
        BlockOperation operation = request.operation();
        if (operation == BlockOperation.FLUSH) {
            return Errno.OK;
        }
        BlockGeometry geometry = geometry();
        if (readOnly && operation != BlockOperation.READ) {
            return Errno.EROFS;
        }
        if (operation == BlockOperation.DISCARD && discardBytes == 0) {
            return Errno.EOPNOTSUPP;
        }
        boolean transfer = operation == BlockOperation.READ || operation == BlockOperation.WRITE;
        boolean fits = geometry.contains(request.offsetBytes(), request.lengthBytes())
                && geometry.isAligned(request.offsetBytes(), request.lengthBytes())
                && (!transfer || geometry.isAligned(request.address(), 0));
        return fits ? Errno.OK : Errno.EINVAL;
    }

    private void read(BlockRequest request) {
        ByteBuffer target = request.buffer().bytes().duplicate();
        target.limit(request.bufferOffsetBytes() + (int) request.lengthBytes()).position(request.bufferOffsetBytes());
        current.read(request.offsetBytes(), target);
    }

    private static byte[] dataOf(BlockRequest request) {
        byte[] data = new byte[(int) request.lengthBytes()];
        request.buffer().bytes().get(request.bufferOffsetBytes(), data);
        return data;
    }

    // As on real disks, only whole granules inside the range are discarded.
    private CachedWrite discard(BlockRequest request) {
        long start = Math.ceilDiv(request.offsetBytes(), discardBytes) * discardBytes;
        long end = (request.offsetBytes() + request.lengthBytes()) / discardBytes * discardBytes;
        return start < end ? change(request, start, end - start, null) : null;
    }

    private CachedWrite change(BlockRequest request, long offsetBytes, long lengthBytes, byte[] data) {
        boolean fua = request.hasFlag(BlockRequest.FUA);
        CachedWrite write = new CachedWrite(offsetBytes, lengthBytes, data, fua);
        write.applyTo(current);
        cache.add(write);
        writes++;
        if (fua) {
            makeStable(0);
        }
        return write;
    }

    // A stable write stays listed while an older one before it is not, so that a crash applies them in order.
    private void makeStable(long throughCompletion) {
        int settled = 0;
        boolean prefix = true;
        for (CachedWrite write : cache) {
            write.stable |= !write.doomed && write.completion > 0 && write.completion <= throughCompletion;
            prefix &= write.stable;
            if (prefix) {
                write.applyTo(stable);
                settled++;
            }
        }
        cache.subList(0, settled).clear();
    }

    /**
     * A FLUSH that fails now, as kernels do it: of what was completed and is not stable each change may be lost for
     * good, whatever later flushes say. Reads show it until the power fails.
     */
    public synchronized void failFlush(RandomGenerator random) {
        for (CachedWrite write : cache) {
            write.doomed |= !write.stable && write.completion > 0 && random.nextBoolean();
        }
    }

    /** Fails the power after so many more operations of the disks that share this one's supply. */
    public void powerCutAfter(long moreOperations) {
        power.cutAfter(moreOperations);
    }

    public PowerSupply power() {
        return power;
    }

    /**
     * The power fails, the chosen part of the cache survives, and power returns (for all disks of the supply: crash
     * each of them before using any). Requests still under way end with EIO.
     */
    public synchronized void crash(RandomGenerator random) {
        // Pure extremes are rare under independent choices, but they are what most real crashes look like.
        int mood = random.nextInt(4);
        for (CachedWrite write : cache) {
            int fate = write.stable ? 0 : write.doomed ? 1 : mood < 2 ? mood : random.nextInt(3);
            switch (fate) {
                case 0 -> write.applyTo(stable);
                case 1 -> {} // lost
                default -> applyTorn(write, random);
            }
        }
        reopenStable();
    }

    /** As {@link #crash}, with the worst cache: everything unstable is lost. */
    public synchronized void crashLosingAll() {
        for (CachedWrite write : cache) {
            if (write.stable) {
                write.applyTo(stable);
            }
        }
        reopenStable();
    }

    private void reopenStable() {
        cache.clear();
        current = stable.copy();
        powerCycle++;
        power.restore();
    }

    private void applyTorn(CachedWrite write, RandomGenerator random) {
        // A gigantic range of zeros is torn in larger pieces: its sectors are not worth counting one by one.
        long piece = write.lengthBytes <= 16 << 20 ? SECTOR_BYTES : SparseBytes.CHUNK_BYTES;
        for (long done = 0; done < write.lengthBytes; done += piece) {
            if (random.nextBoolean()) {
                long length = Math.min(piece, write.lengthBytes - done);
                if (write.data == null) {
                    stable.zero(write.offsetBytes + done, length);
                } else {
                    stable.write(write.offsetBytes + done, write.data, (int) done, (int) length);
                }
            }
        }
    }

    /** Whoever had requests under way is gone, and the disk is not: what has taken effect is complete. */
    public synchronized void requesterGone() {
        for (CachedWrite write : cache) {
            if (write.completion == 0) {
                write.completion = ++completions;
            }
        }
    }

    /** Changes the size; what lies beyond a smaller end is gone. */
    public synchronized void resize(long newSizeBytes) {
        if (newSizeBytes < sizeBytes) {
            stable.zero(newSizeBytes, sizeBytes - newSizeBytes);
            current.zero(newSizeBytes, sizeBytes - newSizeBytes);
        }
        sizeBytes = newSizeBytes;
    }

    public synchronized void setReadOnly(boolean newReadOnly) {
        readOnly = newReadOnly;
    }

    /** What a READ would give. */
    public synchronized byte[] readNow(long offsetBytes, int lengthBytes) {
        byte[] result = new byte[lengthBytes];
        current.read(offsetBytes, ByteBuffer.wrap(result));
        return result;
    }

    /** A change as a request makes it, complete at once. {@code data} is null for zeros. */
    public synchronized void changeNow(long offsetBytes, long lengthBytes, byte[] data, boolean fua) {
        CachedWrite write = new CachedWrite(offsetBytes, lengthBytes, data, fua);
        write.completion = ++completions;
        write.applyTo(current);
        cache.add(write);
        writes++;
        makeStable(0);
    }

    /** A FLUSH, complete at once. */
    public synchronized void flushNow() {
        makeStable(completions);
    }

    /** Overwrites stable content behind the back of everyone, as damage does. */
    public synchronized void writeNow(long offsetBytes, byte[] data) {
        stable.write(offsetBytes, data, 0, data.length);
        current.write(offsetBytes, data, 0, data.length);
    }

    /** Changes (WRITE, DISCARD, WRITE_ZEROES) carried out so far. */
    public synchronized long writes() {
        return writes;
    }

    /** Changes that a crash could lose now. */
    public synchronized int unstableWrites() {
        return (int) cache.stream().filter(write -> !write.stable).count();
    }

    /** Fills the disk from its start; the content is stable. Longer input than the disk is an error. */
    public synchronized void load(InputStream image) throws IOException {
        byte[] chunk = new byte[SparseBytes.CHUNK_BYTES];
        long position = 0;
        for (int length = image.readNBytes(chunk, 0, chunk.length);
                length > 0;
                length = image.readNBytes(chunk, 0, chunk.length)) {
            if (position + length > sizeBytes) {
                throw new IOException("image is larger than the simulated disk of " + sizeBytes + " bytes");
            }
            if (!isZero(chunk, length)) {
                stable.write(position, chunk, 0, length);
                current.write(position, chunk, 0, length);
            }
            position += length;
        }
    }

    public void load(Path image) throws IOException {
        try (InputStream input = Files.newInputStream(image)) {
            load(input);
        }
    }

    /** Writes what reads see to a sparse file of the disk's size. */
    public synchronized void save(Path image) throws IOException {
        Files.deleteIfExists(image);
        try (FileChannel channel = FileChannel.open(
                image, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE, StandardOpenOption.SPARSE)) {
            for (long chunk : current.usedChunks()) {
                long offset = chunk * SparseBytes.CHUNK_BYTES;
                int length = (int) Math.min(SparseBytes.CHUNK_BYTES, sizeBytes - offset);
                channel.write(ByteBuffer.wrap(readNow(offset, length)), offset);
            }
            if (sizeBytes > 0) {
                channel.write(ByteBuffer.wrap(readNow(sizeBytes - 1, 1)), sizeBytes - 1);
            }
        }
    }

    private static boolean isZero(byte[] bytes, int length) {
        for (int i = 0; i < length; i++) {
            if (bytes[i] != 0) {
                return false;
            }
        }
        return true;
    }

    @Override
    public void close() {}

    @Override
    public String toString() {
        return "simulated disk";
    }
}
