package dev.gossamer.daemon.cli.tools;

import dev.gossamer.thin.offline.Compat;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Locale;

/** Units of sizes as thin_metadata_size has them: a lower-case letter is binary, an upper-case one decimal. */
final class SizeUnit {
    private static final String LETTERS = "kmgtpe";
    private static final String[] BINARY = {"kibi", "mebi", "gibi", "tebi", "pebi", "exbi"};
    private static final String[] DECIMAL = {"kilo", "mega", "giga", "tera", "peta", "exa"};
    private static final int SECTOR_BYTES = 512;

    private final char letter;

    private SizeUnit(char letter) {
        this.letter = letter;
    }

    /** Null: there is no such unit. */
    static SizeUnit of(char letter) {
        boolean known = letter == 'b' || letter == 's' || LETTERS.indexOf(Character.toLowerCase(letter)) >= 0;
        return known ? new SizeUnit(letter) : null;
    }

    char letter() {
        return letter;
    }

    long bytes() {
        if (letter == 'b' || letter == 's') {
            return letter == 'b' ? 1 : SECTOR_BYTES;
        }
        int power = LETTERS.indexOf(Character.toLowerCase(letter)) + 1;
        long bytes = 1;
        for (int i = 0; i < power; i++) {
            bytes *= Character.isLowerCase(letter) ? 1024 : 1000;
        }
        return bytes;
    }

    String word(Compat compat) {
        if (letter == 'b' || letter == 's') {
            return letter == 'b' ? "bytes" : "sectors";
        }
        if (compat == Compat.V1 && letter == 't') {
            return "terabytes"; // its word for either
        }
        if (letter == 'e' && compat != Compat.NONE) {
            return compat == Compat.V1 ? "exbytes" : "ebibytes";
        }
        int index = LETTERS.indexOf(Character.toLowerCase(letter));
        return (Character.isLowerCase(letter) ? BINARY[index] : DECIMAL[index]) + "bytes";
    }

    /** A size in this unit: whole, or with two decimals; small ones as the version writes them. */
    String format(long sizeBytes, Compat compat) {
        if (sizeBytes % bytes() == 0) {
            return Long.toString(sizeBytes / bytes());
        }
        double value = (double) sizeBytes / bytes();
        if (compat == Compat.V0_9) {
            return String.format(Locale.ROOT, value < 0.01 ? "%.2e" : "%.2f", value);
        }
        return value >= 1 ? String.format(Locale.ROOT, "%.2f", value) : shortest(value);
    }

    /** The fewest digits that mean this value; of two that are equally near, the higher, as the version has it. */
    private static String shortest(double value) {
        BigDecimal exact = new BigDecimal(value);
        int digits = 1;
        while (exact.round(new MathContext(digits, RoundingMode.HALF_UP)).doubleValue() != value) {
            digits++;
        }
        return exact.round(new MathContext(digits, RoundingMode.HALF_UP)).toPlainString();
    }

    /** A number with a unit's letter, or of sectors; -1: it is none, or too large. */
    static long parse(String text) {
        if (text.isEmpty()) {
            return -1;
        }
        char last = text.charAt(text.length() - 1);
        boolean bare = Character.isDigit(last);
        SizeUnit unit = bare ? of('s') : of(last);
        try {
            long number = Long.parseLong(bare ? text : text.substring(0, text.length() - 1));
            return unit == null || number < 0 ? -1 : Math.multiplyExact(number, unit.bytes());
        } catch (NumberFormatException | ArithmeticException e) {
            return -1;
        }
    }

    /** As thin_metadata_size 0.9 repeats an option. */
    static String inWords(String text) {
        char last = text.charAt(text.length() - 1);
        return Character.isDigit(last)
                ? text + "sectors"
                : text.substring(0, text.length() - 1) + of(last).word(Compat.V0_9);
    }
}
