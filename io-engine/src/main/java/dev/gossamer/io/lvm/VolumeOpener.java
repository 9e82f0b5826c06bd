package dev.gossamer.io.lvm;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.lvm.format.LvmError;
import dev.gossamer.io.lvm.format.PvBytes;
import dev.gossamer.io.lvm.format.PvLabel;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Puts a logical volume together from its physical volumes (OT-53, OT-54). */
public final class VolumeOpener {
    /** Volumes in volumes; each costs a request one place on its stack. */
    private static final int MAX_DEPTH = 3;

    /** Opens physical volumes, each once. */
    public interface Devices {
        /** The open device; lent until the logical volume is closed. */
        BlockDevice open(PvBytes physicalVolume) throws StorageException;
    }

    private final FoundGroup group;
    private final Devices devices;
    private final boolean readOnly;
    /** Volumes that others are made of, each once however many have a part of it. */
    private final Map<String, BlockDevice> nested = new HashMap<>();

    public VolumeOpener(FoundGroup group, Devices devices, boolean readOnly) {
        this.group = group;
        this.devices = devices;
        this.readOnly = readOnly;
    }

    /**
     * A volume as a device.
     *
     * @param whenClosed told when the device is closed; what the devices were lent for is over then
     * @throws StorageException if it is made of what this program does not know, naming that
     */
    public BlockDevice open(String volume, Runnable whenClosed) throws StorageException {
        group.checkNoOverlap();
        if (!readOnly && !group.isWritable()) {
            throw LvmError.unsupported("volume group " + group.name() + " is read-only; run vgchange -p rw");
        }
        return open(volume, volume, 0, whenClosed);
    }

    private BlockDevice open(String asked, String name, int depth, Runnable whenClosed) throws StorageException {
        LogicalVolume volume = group.volume(name);
        group.checkQuiet(volume);
        group.bytes(volume);
        if (depth > MAX_DEPTH) {
            throw LvmError.unsupported(group.full(asked) + " is made of volumes nested more than " + MAX_DEPTH
                    + " deep; activate it with LVM and give its device");
        }
        if (!readOnly && !volume.isWritable()) {
            throw LvmError.unsupported(group.full(name) + " is read-only; run lvchange -p rw");
        }
        List<LvmDevice.Stretch> stretches = new ArrayList<>();
        long start = 0;
        for (Segment segment : volume.segments()) {
            if (!(segment instanceof Segment.Striped striped)) {
                throw LvmError.unsupported(group.full(asked) + ": segment type " + type(segment) + " of "
                        + group.full(name) + " is not supported; activate it with LVM and give its device");
            }
            LvmDevice.Stretch stretch = stretch(asked, volume, striped, start, depth);
            stretches.add(stretch);
            start = stretch.endBytes();
        }
        // As the kernel's own device of it tells.
        String identity = "block device, uuid " + group.uuid(volume);
        return new LvmDevice("lvm:" + group.full(name), identity, stretches, readOnly, whenClosed);
    }

    private static String type(Segment segment) {
        return switch (segment) {
            case Segment.Unsupported unsupported -> unsupported.type().isEmpty() ? "(none)" : unsupported.type();
            case Segment.Thin ignored -> "thin";
            case Segment.ThinPool ignored -> "thin-pool";
            case Segment.Striped ignored -> "striped";
        };
    }

    private LvmDevice.Stretch stretch(
            String asked, LogicalVolume volume, Segment.Striped segment, long start, int depth)
            throws StorageException {
        VolumeGroup text = group.group();
        int legs = segment.stripes().size();
        long legExtents = segment.extents() / legs;
        long legBytes = legExtents * text.extentBytes();
        long length = segment.extents() * text.extentBytes();
        long stripe = legs == 1 ? length : segment.stripeSectors() * PvLabel.SECTOR_BYTES;
        if (legBytes % stripe != 0 && legs > 1) {
            throw LvmError.damaged(
                    group.full(volume.name()) + ": its stripes of " + stripe + " bytes do not fill its extents");
        }
        List<LvmDevice.Leg> all = new ArrayList<>();
        for (Segment.Stripe each : segment.stripes()) {
            LvmDevice.Leg leg = leg(asked, each, legExtents, depth);
            int alignment = leg.device().geometry().alignmentBytes();
            if (leg.offsetBytes() % alignment != 0 || stripe % alignment != 0) {
                throw LvmError.unsupported(group.full(volume.name()) + ": its extents on " + leg.device()
                        + " do not begin at the device's sectors of " + alignment + " bytes");
            }
            all.add(leg);
        }
        return new LvmDevice.Stretch(start, length, stripe, all);
    }

    private LvmDevice.Leg leg(String asked, Segment.Stripe stripe, long extents, int depth) throws StorageException {
        VolumeGroup text = group.group();
        PhysicalVolume physical = text.physicalVolumes().get(stripe.name());
        if (physical != null) {
            checkInside(stripe, extents, physical.extents());
            long offset = physical.startSector() * PvLabel.SECTOR_BYTES + stripe.extent() * text.extentBytes();
            return new LvmDevice.Leg(devices.open(group.devices().get(physical.name())), offset);
        }
        checkInside(stripe, extents, group.volume(stripe.name()).extents());
        BlockDevice inner = nested.get(stripe.name());
        if (inner == null) {
            inner = open(asked, stripe.name(), depth + 1, () -> {});
            nested.put(stripe.name(), inner);
        }
        return new LvmDevice.Leg(inner, stripe.extent() * text.extentBytes());
    }

    private void checkInside(Segment.Stripe stripe, long extents, long there) throws StorageException {
        if (stripe.extent() > there - extents) {
            throw LvmError.damaged("volume group " + group.name() + ": extents " + stripe.extent() + " to "
                    + (stripe.extent() + extents - 1) + " of " + stripe.name() + " are used, which has " + there);
        }
    }
}
