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
        checkGroup(!readOnly);
        return open(volume, volume, 0, whenClosed);
    }

    /**
     * Refuses a volume that could not be opened for writing, and opens nothing.
     *
     * @throws StorageException naming what keeps it from being written to
     */
    public static void checkWritable(FoundGroup group, String volume) throws StorageException {
        VolumeOpener opener = new VolumeOpener(group, physical -> null, false);
        opener.checkGroup(true);
        opener.checkWritable(volume, volume, 0);
    }

    private void checkWritable(String asked, String name, int depth) throws StorageException {
        LogicalVolume volume = usable(asked, name, depth);
        for (Segment segment : volume.segments()) {
            if (!(segment instanceof Segment.Striped striped)) {
                throw unsupported(asked, volume, segment);
            }
            for (Segment.Stripe stripe : striped.stripes()) {
                if (!group.group().physicalVolumes().containsKey(stripe.name())) {
                    checkWritable(asked, stripe.name(), depth + 1);
                }
            }
        }
    }

    private void checkGroup(boolean writing) throws StorageException {
        if (writing && !group.isWritable()) {
            throw LvmError.unsupported("volume group " + group.name() + " is read-only; run vgchange -p rw");
        }
    }

    /** The volume, unless something about it says that it is not to be opened. */
    private LogicalVolume usable(String asked, String name, int depth) throws StorageException {
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
        return volume;
    }

    private BlockDevice open(String asked, String name, int depth, Runnable whenClosed) throws StorageException {
        LogicalVolume volume = usable(asked, name, depth);
        List<LvmDevice.Stretch> stretches = new ArrayList<>();
        long start = 0;
        for (Segment segment : volume.segments()) {
            LvmDevice.Stretch stretch = stretch(asked, volume, segment, start, depth);
            stretches.add(stretch);
            start = stretch.endBytes();
        }
        // As the kernel's own device of it tells.
        String identity = "block device, uuid " + group.uuid(volume);
        return new LvmDevice("lvm:" + group.full(name), identity, stretches, readOnly, whenClosed);
    }

    private LvmDevice.Stretch stretch(String asked, LogicalVolume volume, Segment segment, long start, int depth)
            throws StorageException {
        if (segment instanceof Segment.Striped striped) {
            return striped(asked, volume, striped, start, depth);
        }
        if (readOnly && segment instanceof Segment.Raid1 raid) {
            return mirrored(asked, volume, raid, start, depth);
        }
        throw unsupported(asked, volume, segment);
    }

    private StorageException unsupported(String asked, LogicalVolume volume, Segment segment) {
        return LvmError.unsupported(group.full(asked) + ": segment type " + type(segment) + " of "
                + group.full(volume.name())
                + (segment instanceof Segment.Raid1 ? " can be read here, but writing to it" : "")
                + " is not supported; activate it with LVM and give its device");
    }

    private static String type(Segment segment) {
        return switch (segment) {
            case Segment.Unsupported unsupported -> unsupported.type().isEmpty() ? "(none)" : unsupported.type();
            case Segment.Thin ignored -> "thin";
            case Segment.ThinPool ignored -> "thin-pool";
            case Segment.Striped ignored -> "striped";
            case Segment.Raid1 ignored -> "raid1";
        };
    }

    private LvmDevice.Stretch striped(
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

    /** A mirror is as its first good image is: what one answers twice is the same, which of two need not be. */
    private LvmDevice.Stretch mirrored(String asked, LogicalVolume volume, Segment.Raid1 segment, long start, int depth)
            throws StorageException {
        String image = new MirrorImages(group, volume, segment).good();
        LvmDevice.Leg leg = leg(asked, new Segment.Stripe(image, 0), segment.extents(), depth);
        long length = segment.extents() * group.group().extentBytes();
        return new LvmDevice.Stretch(start, length, length, List.of(leg));
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
