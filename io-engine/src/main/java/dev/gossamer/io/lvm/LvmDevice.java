package dev.gossamer.io.lvm;

import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import java.util.ArrayList;
import java.util.List;

/**
 * A logical volume as a device: stretches of other devices one behind the other, each linear or in stripes (OT-53). A
 * request inside one piece is redirected; any other is split. FLUSH goes to every device below.
 *
 * <p>Its devices may be shared with other volumes: they are not closed with it, the one who lent them is told.
 */
final class LvmDevice implements BlockDevice {
    /** A part of a stretch: what lies on one device. */
    record Leg(BlockDevice device, long offsetBytes) {}

    /**
     * A stretch.
     *
     * @param stripeBytes of one leg before the next one's turn; the whole length if there is only one
     */
    record Stretch(long startBytes, long lengthBytes, long stripeBytes, List<Leg> legs) {
        long endBytes() {
            return startBytes + lengthBytes;
        }
    }

    private static final BlockCompletion PASS = BlockRequest::complete;

    private final String name;
    private final String identityName;
    private final Stretch[] stretches;
    private final BlockDevice[] devices;
    private final BlockGeometry geometry;
    private final Runnable whenClosed;

    /** @param stretches without gaps, the first at 0 */
    @SuppressWarnings("ReferenceEquality") // One device in several segments.
    LvmDevice(String name, String identityName, List<Stretch> stretches, boolean readOnly, Runnable whenClosed) {
        this.name = name;
        this.identityName = identityName;
        this.stretches = stretches.toArray(Stretch[]::new);
        this.whenClosed = whenClosed;
        List<BlockDevice> below = new ArrayList<>();
        stretches.forEach(stretch -> stretch.legs().forEach(leg -> {
            if (below.stream().noneMatch(device -> device == leg.device())) {
                below.add(leg.device());
            }
        }));
        devices = below.toArray(BlockDevice[]::new);
        geometry = geometry(stretches.getLast().endBytes(), readOnly);
    }

    @Override
    public String identityName() {
        return identityName;
    }

    private BlockGeometry geometry(long sizeBytes, boolean readOnly) {
        int alignment = 1;
        long discard = 1;
        boolean anyReadOnly = readOnly;
        for (BlockDevice device : devices) {
            BlockGeometry below = device.geometry();
            alignment = Math.max(alignment, below.alignmentBytes());
            discard = discard == 0 || below.discardBytes() == 0 ? 0 : Math.max(discard, below.discardBytes());
            anyReadOnly |= below.readOnly();
        }
        return new BlockGeometry(sizeBytes, alignment, anyReadOnly, discard);
    }

    @Override
    public BlockGeometry geometry() {
        return geometry;
    }

    @Override
    public void submit(BlockRequest request) {
        if (request.operation() == BlockOperation.FLUSH) {
            flush(request);
            return;
        }
        int errno = check(request);
        if (errno != Errno.OK || request.lengthBytes() == 0) {
            request.complete(errno);
            return;
        }
        Stretch stretch = stretches[indexOf(request.offsetBytes())];
        if (request.lengthBytes() <= pieceBytes(stretch, request.offsetBytes())) {
            redirect(request, stretch).submit(request);
        } else {
            split(request);
        }
    }

    private int check(BlockRequest request) {
        if (geometry.readOnly() && request.operation() != BlockOperation.READ) {
            return Errno.EROFS;
        }
        if (request.operation() == BlockOperation.DISCARD && geometry.discardBytes() == 0) {
            return Errno.EOPNOTSUPP;
        }
        boolean good = geometry.contains(request.offsetBytes(), request.lengthBytes())
                && geometry.isAligned(request.offsetBytes(), request.lengthBytes());
        return good ? Errno.OK : Errno.EINVAL;
    }

    private void flush(BlockRequest request) {
        request.beginSplit();
        try {
            for (BlockDevice device : devices) {
                device.start(request.child(0, 0));
            }
        } catch (OutOfMemoryError noMemory) {
            // The others are asked, and remember what they say; this one was not.
            request.addPart();
            request.partDone(Errno.ECANCELED);
        }
        request.endSplit();
    }

    private void split(BlockRequest request) {
        boolean carriesData = request.operation() == BlockOperation.READ || request.operation() == BlockOperation.WRITE;
        long at = request.offsetBytes();
        long end = at + request.lengthBytes();
        request.beginSplit();
        while (at < end) {
            Stretch stretch = stretches[indexOf(at)];
            if (carriesData) {
                long length = Math.min(end - at, pieceBytes(stretch, at));
                BlockRequest part = request.child(at, length);
                redirect(part, stretch).start(part);
                at += length;
            } else {
                long length = Math.min(end, stretch.endBytes()) - at;
                commandLegs(request, stretch, at - stretch.startBytes(), length);
                at += length;
            }
        }
        request.endSplit();
    }

    /** Bytes from here on that lie together on one leg. */
    private static long pieceBytes(Stretch stretch, long at) {
        long inStretch = at - stretch.startBytes();
        return Math.min(stretch.stripeBytes() - inStretch % stretch.stripeBytes(), stretch.endBytes() - at);
    }

    /** Turns a request that is one piece to where that lies, and returns the device that has it. */
    private static BlockDevice redirect(BlockRequest request, Stretch stretch) {
        long inStretch = request.offsetBytes() - stretch.startBytes();
        long stripe = inStretch / stretch.stripeBytes();
        int legs = stretch.legs().size();
        Leg leg = stretch.legs().get((int) (stripe % legs));
        long offset = leg.offsetBytes() + stripe / legs * stretch.stripeBytes() + inStretch % stretch.stripeBytes();
        request.push(PASS, offset);
        return leg.device();
    }

    /**
     * A command without data, which may be as long as the device: what it covers of each leg lies together there, so it
     * takes no more parts than there are legs.
     */
    private static void commandLegs(BlockRequest request, Stretch stretch, long from, long length) {
        int legs = stretch.legs().size();
        for (int i = 0; i < legs; i++) {
            long legFrom = onLeg(stretch, i, from);
            long legLength = onLeg(stretch, i, from + length) - legFrom;
            if (legLength > 0) {
                Leg leg = stretch.legs().get(i);
                BlockRequest part = request.child(stretch.startBytes() + from, legLength);
                part.push(PASS, leg.offsetBytes() + legFrom);
                leg.device().start(part);
            }
        }
    }

    /** How much of the stretch before {@code position} lies on a leg. */
    private static long onLeg(Stretch stretch, int leg, long position) {
        long stripe = stretch.stripeBytes();
        long round = stripe * stretch.legs().size();
        return position / round * stripe + Math.clamp(position % round - leg * stripe, 0, stripe);
    }

    private int indexOf(long offsetBytes) {
        int low = 0;
        int high = stretches.length - 1;
        while (low < high) {
            int middle = (low + high + 1) >>> 1;
            if (stretches[middle].startBytes() <= offsetBytes) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return low;
    }

    @Override
    public void close() {
        whenClosed.run();
    }

    @Override
    public String toString() {
        return name;
    }
}
