package dev.gossamer.nbd.handshake;

import dev.gossamer.nbd.wire.NbdFlags;
import dev.gossamer.nbd.wire.NbdText;

/**
 * What a client is told about one export (H28, 2.1). The constructor refuses what the protocol forbids.
 *
 * @param name canonical name, at most 4096 bytes of UTF-8
 * @param description text for people, may be empty
 * @param sizeBytes a multiple of {@code minimumBlockBytes}
 * @param transmissionFlags without SEND_DF and BLOCK_STATUS_PAYLOAD, which the codec adds for clients that can use them
 * @param minimumBlockBytes smallest unit of offset and length a client that asked for block sizes may use; 1 to 65536
 * @param preferredBlockBytes unit that avoids read-modify-write; at least 512
 * @param maximumPayloadBytes longest WRITE, and longest piece of a READ's reply; 1 MiB to 64 MiB
 * @param blockSizeRequired turns clients away that do not ask for the block sizes (H30)
 */
public record ExportInfo(
        String name,
        String description,
        long sizeBytes,
        int transmissionFlags,
        int minimumBlockBytes,
        int preferredBlockBytes,
        int maximumPayloadBytes,
        boolean blockSizeRequired) {
    /** Longest payload any export may allow; a peer that announces more is cut off (T4). */
    public static final int PAYLOAD_HARD_CAP_BYTES = 64 << 20;

    private static final int PAYLOAD_LEAST_BYTES = 1 << 20;
    private static final int MINIMUM_BLOCK_LIMIT_BYTES = 65536;
    private static final int WRITE_FLAGS = NbdFlags.SEND_TRIM | NbdFlags.SEND_WRITE_ZEROES | NbdFlags.SEND_FAST_ZERO;
    private static final int KNOWN_FLAGS = NbdFlags.HAS_FLAGS
            | NbdFlags.READ_ONLY
            | NbdFlags.SEND_FLUSH
            | NbdFlags.SEND_FUA
            | NbdFlags.ROTATIONAL
            | WRITE_FLAGS
            | NbdFlags.CAN_MULTI_CONN
            | NbdFlags.SEND_CACHE;

    public ExportInfo {
        require(NbdText.isValid(name), name, "name must be at most 4096 bytes without NUL");
        require(NbdText.isValid(description), name, "description must be at most 4096 bytes without NUL");
        requireFlags(name, transmissionFlags);
        require(isPowerOfTwo(minimumBlockBytes), name, "minimum block must be a power of two");
        require(minimumBlockBytes <= MINIMUM_BLOCK_LIMIT_BYTES, name, "minimum block must be at most 65536 bytes");
        require(isPowerOfTwo(preferredBlockBytes), name, "preferred block must be a power of two");
        require(
                preferredBlockBytes >= Math.max(minimumBlockBytes, 512),
                name,
                "preferred block must be at least 512 bytes and at least the minimum block");
        require(
                maximumPayloadBytes >= Math.max(preferredBlockBytes, PAYLOAD_LEAST_BYTES),
                name,
                "maximum payload must be at least 1 MiB and at least the preferred block");
        require(maximumPayloadBytes <= PAYLOAD_HARD_CAP_BYTES, name, "maximum payload must be at most 64 MiB");
        require(maximumPayloadBytes % minimumBlockBytes == 0, name, "maximum payload must be whole minimum blocks");
        require(sizeBytes >= 0 && sizeBytes % minimumBlockBytes == 0, name, "size must be whole minimum blocks");
    }

    /** An export for clients that know block sizes and for those that do not. */
    public ExportInfo(
            String name,
            String description,
            long sizeBytes,
            int transmissionFlags,
            int minimumBlockBytes,
            int preferredBlockBytes,
            int maximumPayloadBytes) {
        this(
                name,
                description,
                sizeBytes,
                transmissionFlags,
                minimumBlockBytes,
                preferredBlockBytes,
                maximumPayloadBytes,
                false);
    }

    private static void requireFlags(String name, int flags) {
        require((flags & NbdFlags.HAS_FLAGS) != 0, name, "HAS_FLAGS must be set");
        require((flags & ~KNOWN_FLAGS) == 0, name, "transmission flags contain one that this server does not offer");
        require(
                (flags & NbdFlags.READ_ONLY) == 0 || (flags & WRITE_FLAGS) == 0,
                name,
                "a read-only export must not offer TRIM, WRITE_ZEROES or FAST_ZERO");
        require(
                (flags & NbdFlags.SEND_FAST_ZERO) == 0 || (flags & NbdFlags.SEND_WRITE_ZEROES) != 0,
                name,
                "FAST_ZERO needs WRITE_ZEROES");
    }

    private static void require(boolean condition, String name, String rule) {
        if (!condition) {
            throw new IllegalArgumentException("export '" + NbdText.echo(name) + "': " + rule);
        }
    }

    private static boolean isPowerOfTwo(int value) {
        return value > 0 && Integer.bitCount(value) == 1;
    }
}
