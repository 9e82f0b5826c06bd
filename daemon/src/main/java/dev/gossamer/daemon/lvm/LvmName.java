package dev.gossamer.daemon.lvm;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * A logical volume as a user names it: {@code lvm:VG/LV}, and behind a question mark, joined by {@code &}: {@code
 * pv=PATH} for each device of the group, where not all block devices of the machine shall be looked at; {@code foreign}
 * for a group of another machine; {@code assume-inactive} where the kernel does not say what is active.
 *
 * @param devices absolute paths; empty: all block devices
 */
public record LvmName(String group, String volume, List<String> devices, boolean foreign, boolean assumeInactive) {
    private static final String PREFIX = "lvm:";

    /** What LVM allows; no letter of it means anything to a URI or a path. */
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_+.][A-Za-z0-9_+.-]{0,126}");

    public LvmName {
        devices = List.copyOf(devices);
    }

    /** Whether a device is named in this way. */
    public static boolean isLvm(String name) {
        return name.startsWith(PREFIX);
    }

    /** From {@code VG/LV}, as LVM's own commands have it. */
    public static LvmName of(String groupAndVolume, List<String> devices, boolean foreign, boolean assumeInactive)
            throws StorageException {
        int slash = groupAndVolume.indexOf('/');
        String group = slash < 0 ? "" : groupAndVolume.substring(0, slash);
        String volume = groupAndVolume.substring(slash + 1);
        if (!NAME.matcher(group).matches() || !NAME.matcher(volume).matches()) {
            throw new StorageException(
                    Errno.EINVAL, "'" + groupAndVolume + "' is no logical volume; name it VG/LV, as lvs shows them");
        }
        return new LvmName(group, volume, devices, foreign, assumeInactive);
    }

    /**
     * Reads a name as users write it.
     *
     * @throws StorageException naming what is wrong with it
     */
    public static LvmName parse(String name) throws StorageException {
        String rest = name.substring(PREFIX.length());
        int mark = rest.indexOf('?');
        List<String> devices = new ArrayList<>();
        boolean foreign = false;
        boolean inactive = false;
        for (String option : mark < 0 ? new String[0] : rest.substring(mark + 1).split("&", -1)) {
            if (option.startsWith("pv=/")) {
                devices.add(option.substring(3));
            } else if (option.equals("foreign")) {
                foreign = true;
            } else if (option.equals("assume-inactive")) {
                inactive = true;
            } else {
                throw new StorageException(
                        Errno.EINVAL,
                        name + ": '" + option + "' is none of pv=PATH with an absolute path, foreign, assume-inactive");
            }
        }
        return of(mark < 0 ? rest : rest.substring(0, mark), devices, foreign, inactive);
    }

    /** Another volume of the same group, looked for in the same way. */
    public LvmName sibling(String otherVolume) {
        return new LvmName(group, otherVolume, devices, foreign, assumeInactive);
    }

    /** What {@link #parse} reads. */
    @Override
    public String toString() {
        List<String> options = new ArrayList<>();
        devices.forEach(device -> options.add("pv=" + device));
        if (foreign) {
            options.add("foreign");
        }
        if (assumeInactive) {
            options.add("assume-inactive");
        }
        return PREFIX + group + "/" + volume + (options.isEmpty() ? "" : "?" + String.join("&", options));
    }
}
