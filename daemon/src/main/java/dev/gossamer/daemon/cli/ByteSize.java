package dev.gossamer.daemon.cli;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Sizes as people write them: a whole number of bytes, or with k, M, G, T or P, powers of 1024. */
final class ByteSize implements ITypeConverter<Long> {
    private static final String UNITS = "KMGTP";
    private static final Pattern SYNTAX = Pattern.compile("([0-9]{1,19})([kKmMgGtTpP]?)");

    @Override
    public Long convert(String text) {
        return parse(text);
    }

    /** Bytes; throws with a message for the user if {@code text} is no size or is beyond 2^63. */
    static long parse(String text) {
        Matcher matcher = SYNTAX.matcher(text);
        if (!matcher.matches()) {
            throw new TypeConversionException(
                    "'" + text + "' is no size; write a whole number of bytes, or with k, M, G"
                            + " or T (powers of 1024), as in 100G");
        }
        try {
            long number = Long.parseLong(matcher.group(1));
            String unit = matcher.group(2).toUpperCase(Locale.ROOT);
            int power = unit.isEmpty() ? 0 : UNITS.indexOf(unit) + 1;
            return Math.multiplyExact(number, 1L << (10 * power));
        } catch (NumberFormatException | ArithmeticException e) {
            throw new TypeConversionException("size '" + text + "' is too large");
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
