package dev.gossamer.io;

/**
 * Error numbers of the data path: Linux's values, 0 is success.
 *
 * <p>A completion carries one of these; nothing on the data path throws. {@link #name} is for messages only.
 */
public final class Errno {
    public static final int OK = 0;
    public static final int EPERM = 1;
    public static final int ENOENT = 2;
    public static final int EINTR = 4;
    public static final int EIO = 5;
    public static final int EAGAIN = 11;
    public static final int ENOMEM = 12;
    public static final int EACCES = 13;
    public static final int EBUSY = 16;
    public static final int EEXIST = 17;
    public static final int ENODEV = 19;
    public static final int EINVAL = 22;
    public static final int EFBIG = 27;
    public static final int ENOSPC = 28;
    public static final int EROFS = 30;
    /** What a disk's bad sector is to who reads past the page cache. */
    public static final int ENODATA = 61;

    /** What a sector is whose checksum does not fit (T10 PI). */
    public static final int EILSEQ = 84;

    public static final int EOPNOTSUPP = 95;
    public static final int ESHUTDOWN = 108;
    public static final int EDQUOT = 122;

    /**
     * The device was not asked, or not for the rest, for want of memory or of room on the way to it: nothing that it
     * has promised is in doubt. Of ours alone; no kernel and no server says so.
     */
    public static final int ECANCELED = 125;

    private Errno() {}

    /** The symbolic name of an error number, or {@code errno N} for one that this program never makes itself. */
    public static String name(int errno) {
        return switch (errno) {
            case OK -> "OK";
            case EPERM -> "EPERM";
            case ENOENT -> "ENOENT";
            case EINTR -> "EINTR";
            case EIO -> "EIO";
            case EAGAIN -> "EAGAIN";
            case ENOMEM -> "ENOMEM";
            case EACCES -> "EACCES";
            case EBUSY -> "EBUSY";
            case EEXIST -> "EEXIST";
            case ENODEV -> "ENODEV";
            case EINVAL -> "EINVAL";
            case EFBIG -> "EFBIG";
            case ENOSPC -> "ENOSPC";
            case EROFS -> "EROFS";
            case ENODATA -> "ENODATA";
            case EILSEQ -> "EILSEQ";
            case EOPNOTSUPP -> "EOPNOTSUPP";
            case ESHUTDOWN -> "ESHUTDOWN";
            case EDQUOT -> "EDQUOT";
            case ECANCELED -> "ECANCELED";
            default -> "errno " + errno;
        };
    }
}
