package dev.gossamer.io.lvm;

import dev.gossamer.io.StorageException;
import dev.gossamer.io.lvm.format.LvmError;
import dev.gossamer.io.lvm.format.PvBytes;
import dev.gossamer.io.lvm.format.PvLabel;
import dev.gossamer.io.lvm.format.RaidSuperblock;
import java.util.ArrayList;
import java.util.List;

/**
 * Which image of a mirror has its newest bytes (OT-54). LVM's text does not know: the kernel notes it in a superblock
 * on a small volume beside each image, and stops writing to those of images that it has lost. So the superblock that
 * was written to most often is the one to believe.
 */
final class MirrorImages {
    private final FoundGroup group;
    private final LogicalVolume volume;
    private final List<Segment.Image> images;
    private final List<String> reasons = new ArrayList<>();

    MirrorImages(FoundGroup group, LogicalVolume volume, Segment.Raid1 segment) {
        this.group = group;
        this.volume = volume;
        this.images = segment.images();
    }

    /**
     * The first image that is whole and up to date: of several the one from which the kernel would copy the others, if
     * it has been stopped between two of them.
     *
     * @throws StorageException if there is none, saying of each image why
     */
    String good() throws StorageException {
        List<RaidSuperblock> found = new ArrayList<>();
        for (int i = 0; i < images.size(); i++) {
            found.add(superblock(i));
        }
        long newest = 0;
        for (RaidSuperblock each : found) {
            newest = each != null && Long.compareUnsigned(each.events(), newest) > 0 ? each.events() : newest;
        }
        long failed = 0;
        for (RaidSuperblock each : found) {
            failed |= each != null && each.events() == newest ? each.failed() : 0;
        }
        for (int i = 0; i < images.size(); i++) {
            String reason = found.get(i) == null ? null : reasonAgainst(i, found.get(i), newest, failed);
            if (found.get(i) != null && reason == null) {
                return images.get(i).data();
            }
            if (reason != null) {
                reasons.add(images.get(i).data() + " " + reason);
            }
        }
        throw LvmError.damaged("no image of " + group.full(volume.name()) + " is in sync: " + String.join(", ", reasons)
                + "; activate it with LVM, which may know more");
    }

    private String reasonAgainst(int position, RaidSuperblock own, long newest, long failed) throws StorageException {
        LogicalVolume image = group.volume(images.get(position).data());
        if (image.status().contains("VISIBLE")) {
            return "is split off";
        }
        for (String word : image.status()) {
            if (!FoundGroup.isQuiet(word)) {
                return "has the status " + word;
            }
        }
        if ((failed >>> position & 1) != 0) {
            return "has failed";
        }
        if (own.events() != newest) {
            return "is not up to date";
        }
        return own.isRecovered() ? null : "is not copied to its end";
    }

    /** What is on the small volume beside an image; null if that is no superblock of this mirror. */
    private RaidSuperblock superblock(int position) throws StorageException {
        Segment.Image image = images.get(position);
        LogicalVolume meta = group.volume(image.meta());
        group.volume(image.data());
        try {
            RaidSuperblock found = RaidSuperblock.read(firstBytes(meta));
            found.checkMirror(images.size(), position);
            return found;
        } catch (StorageException e) {
            reasons.add(image.data() + ": " + e.getMessage());
            return null;
        }
    }

    /** The first bytes of the volume, which is never more than one piece of one disk. */
    private byte[] firstBytes(LogicalVolume meta) throws StorageException {
        Segment.Striped segment = meta.only(Segment.Striped.class);
        Segment.Stripe stripe = segment == null ? null : segment.stripes().getFirst();
        PhysicalVolume disk =
                stripe == null ? null : group.group().physicalVolumes().get(stripe.name());
        if (disk == null || segment.stripes().size() != 1 || stripe.extent() >= disk.extents()) {
            throw LvmError.unsupported(group.full(meta.name()) + " is not in one piece on one disk");
        }
        PvBytes bytes = group.devices().get(disk.name());
        long offset = disk.startSector() * PvLabel.SECTOR_BYTES
                + stripe.extent() * group.group().extentBytes();
        return bytes.read(
                offset, (int) Math.min(RaidSuperblock.BYTES, group.group().extentBytes()));
    }
}
