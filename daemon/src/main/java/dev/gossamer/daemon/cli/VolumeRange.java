package dev.gossamer.daemon.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * A volume, or a part of it, as one names it on the command line: {@code NAME}, {@code NAME:OFFSET} or {@code
 * NAME:OFFSET+LENGTH}. No name has a colon.
 *
 * @param offsetBytes 0 if none is given
 * @param lengthBytes null if none is given
 */
record VolumeRange(String name, long offsetBytes, Long lengthBytes) {
    /** Reads one. */
    static final class Converter implements ITypeConverter<VolumeRange> {
        @Override
        public VolumeRange convert(String text) {
            int colon = text.indexOf(':');
            if (colon < 0) {
                return new VolumeRange(text, 0, null);
            }
            String range = text.substring(colon + 1);
            int plus = range.indexOf('+');
            ByteSize size = new ByteSize();
            try {
                return new VolumeRange(
                        text.substring(0, colon),
                        size.convert(plus < 0 ? range : range.substring(0, plus)),
                        plus < 0 ? null : size.convert(range.substring(plus + 1)));
            } catch (TypeConversionException e) {
                throw new TypeConversionException(
                        "'" + text + "' is no part of a volume: give NAME:OFFSET+LENGTH, like vol0:1G+512M");
            }
        }
    }
}
