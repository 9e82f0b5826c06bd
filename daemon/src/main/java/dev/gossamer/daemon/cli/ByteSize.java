package dev.gossamer.daemon.cli;

import dev.gossamer.daemon.config.Quantity;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Sizes as people write them: a whole number of bytes, or with k, M, G, T or P, powers of 1024. */
final class ByteSize implements ITypeConverter<Long> {
    @Override
    public Long convert(String text) {
        return parse(text);
    }

    /** Bytes; throws with a message for the user if {@code text} is no size or is beyond 2^63. */
    static long parse(String text) {
        try {
            return Quantity.bytes(text);
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException(e.getMessage());
        }
    }

    /** At most four significant characters and a unit: {@code 512}, {@code 64k}, {@code 1.5G}. Rounds to nearest. */
    static String format(long bytes) {
        return Quantity.text(bytes);
    }
}
