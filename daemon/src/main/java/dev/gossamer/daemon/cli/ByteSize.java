package dev.gossamer.daemon.cli;

import dev.gossamer.daemon.config.Quantity;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Sizes as people write them: a whole number of bytes, or with k, M, G, T or P, powers of 1024. */
final class ByteSize implements ITypeConverter<Long> {
    private static final String UNITS = "KMGTP";

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
        if (bytes < 1024) {
            return Long.toString(bytes);
        }
        int power = (63 - Long.numberOfLeadingZeros(bytes)) / 10;
        String unit = power == 1
                ? "k"
                : UNITS.substring(Math.min(power, UNITS.length()) - 1, Math.min(power, UNITS.length()));
        double scaled = (double) bytes / (1L << (10 * Math.min(power, UNITS.length())));
        String digits = String.format(Locale.ROOT, scaled < 100 ? "%.1f" : "%.0f", scaled);
        return (digits.endsWith(".0") ? digits.substring(0, digits.length() - 2) : digits) + unit;
    }
}
