package dev.gossamer.io.lvm;

import dev.gossamer.io.StorageException;
import dev.gossamer.io.lvm.format.LvmError;
import dev.gossamer.io.lvm.format.LvmId;
import dev.gossamer.io.lvm.format.MetadataArea;
import dev.gossamer.io.lvm.format.PvBytes;
import dev.gossamer.io.lvm.format.PvLabel;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Finds a volume group by name among devices that may be physical volumes: the newest valid copy of its text, and the
 * device of each of its physical volumes (OT-50 to OT-54).
 */
public final class GroupFinder {
    /** A copy of a group's text, and where it was found. */
    private record Copy(VolumeGroup group, String text, String device) {}

    private final Map<String, PvBytes> devices = new LinkedHashMap<>();
    private final List<Copy> copies = new ArrayList<>();
    private final List<String> problems = new ArrayList<>();

    /**
     * Looks at a device. What is wrong with it is kept until it is known whether it matters.
     *
     * @throws StorageException if another device is the same physical volume: one of them is a copy
     */
    public void look(PvBytes device) throws StorageException {
        PvLabel label;
        try {
            label = PvLabel.find(device);
        } catch (StorageException e) {
            problems.add(e.getMessage());
            return;
        }
        if (label == null) {
            return;
        }
        PvBytes other = devices.putIfAbsent(label.uuid(), device);
        if (other != null) {
            throw LvmError.unsupported("physical volume " + LvmId.dashed(label.uuid()) + " is on two devices, " + other
                    + " and " + device + "; name the right one, or detach the other");
        }
        for (PvLabel.Area area : label.metadataAreas()) {
            try {
                String text = MetadataArea.read(device, area);
                if (text != null) {
                    copies.add(new Copy(GroupParser.parse(text), text, device.toString()));
                }
            } catch (StorageException e) {
                problems.add(device + ": " + e.getMessage());
            }
        }
    }

    /**
     * The group.
     *
     * @param foreign also one that belongs to another machine
     * @throws StorageException if there is none, or it cannot be trusted as a whole
     */
    public FoundGroup find(String name, boolean foreign) throws StorageException {
        List<Copy> named =
                copies.stream().filter(copy -> copy.group().name().equals(name)).toList();
        if (named.isEmpty()) {
            throw LvmError.missing("there is no volume group " + name + " on the " + devices.size()
                    + " physical volumes that can be read here" + because());
        }
        Copy newest = newest(named);
        VolumeGroup group = newest.group();
        checkUsable(group, foreign);
        Map<String, PvBytes> found = new LinkedHashMap<>();
        for (PhysicalVolume volume : group.physicalVolumes().values()) {
            PvBytes device = devices.get(volume.id());
            if (device == null || volume.missing()) {
                throw LvmError.missing("volume group " + name + " lacks physical volume " + volume.name() + " ("
                        + LvmId.dashed(volume.id()) + ")" + because());
            }
            checkFits(group, volume, device);
            found.put(volume.name(), device);
        }
        return new FoundGroup(group, found);
    }

    private Copy newest(List<Copy> named) throws StorageException {
        Copy newest = named.getFirst();
        for (Copy copy : named) {
            if (!copy.group().id().equals(newest.group().id())) {
                throw LvmError.unsupported("two volume groups are called "
                        + copy.group().name() + ", one on " + newest.device() + " and one on " + copy.device()
                        + "; name the devices of the one that is meant");
            }
            if (copy.group().sequence() > newest.group().sequence()) {
                newest = copy;
            }
        }
        for (Copy copy : named) {
            if (copy.group().sequence() == newest.group().sequence()
                    && !copy.text().equals(newest.text())) {
                throw LvmError.damaged(newest.device() + " and " + copy.device() + " describe volume group "
                        + copy.group().name() + " differently under one sequence number, "
                        + newest.group().sequence() + "; have LVM repair it (vgck --updatemetadata)");
            }
        }
        return newest;
    }

    private static void checkUsable(VolumeGroup group, boolean foreign) throws StorageException {
        String name = "volume group " + group.name();
        if (group.status().contains("EXPORTED")) {
            throw LvmError.unsupported(name + " is exported; run vgimport " + group.name() + " first");
        }
        if (group.status().contains("CLUSTERED")) {
            throw LvmError.unsupported(
                    name + " is shared by machines (clustered); a thin pool of it cannot be used here");
        }
        if (!group.lockType().isEmpty() && !group.lockType().equals("none")) {
            throw LvmError.unsupported(
                    name + " is shared by machines (lock type " + group.lockType() + "), which only LVM can lock");
        }
        if (!group.systemId().isEmpty() && !foreign) {
            throw LvmError.unsupported(name + " belongs to the machine with system id " + group.systemId()
                    + "; if that does not use it, say --foreign");
        }
        for (String word : group.status()) {
            if (!List.of("RESIZEABLE", "READ", "WRITE", "PARTIAL").contains(word)) {
                throw LvmError.unsupported(name + " has the status " + word + ", which is not supported");
            }
        }
    }

    private static void checkFits(VolumeGroup group, PhysicalVolume volume, PvBytes device) throws StorageException {
        long sectors = device.sizeBytes() / PvLabel.SECTOR_BYTES;
        boolean fits = volume.startSector() <= sectors
                && volume.extents() <= (sectors - volume.startSector()) / group.extentSectors();
        if (!fits) {
            throw LvmError.damaged(device + " has " + device.sizeBytes() + " bytes, less than physical volume "
                    + volume.name() + " of volume group " + group.name() + " needs");
        }
    }

    private String because() {
        return problems.isEmpty() ? "" : "; " + problems.getFirst();
    }
}
