package dev.gossamer.io.lvm.format;

/** LVM's identifiers: 32 letters and digits; in text with dashes, on disks and in device-mapper's uuids without. */
public final class LvmId {
    private static final int LENGTH = 32;

    private LvmId() {}

    public static boolean isId(String text) {
        return text.length() == LENGTH
                && text.chars()
                        .allMatch(c -> (c >= '0' && c <= '9')
                                || (c >= 'a' && c <= 'z')
                                || (c >= 'A' && c <= 'Z')
                                || c == '!'
                                || c == '#');
    }

    /** For people: groups of 6, 4, 4, 4, 4, 4 and 6 characters. */
    public static String dashed(String id) {
        StringBuilder text = new StringBuilder(id);
        for (int at = 26; at >= 6; at -= 4) {
            text.insert(at, '-');
        }
        return text.toString();
    }
}
