package dev.gossamer.daemon.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** A part of a device, {@code OFFSET+LENGTH}. */
record ByteRange(long offsetBytes, long lengthBytes) {
    /** Reads one. */
    static final class Converter implements ITypeConverter<ByteRange> {
        @Override
        public ByteRange convert(String text) {
            int plus = text.indexOf('+');
            if (plus < 0) {
                throw new TypeConversionException("'" + text + "' is no range: give OFFSET+LENGTH, like 1G+512M");
            }
            return new ByteRange(ByteSize.parse(text.substring(0, plus)), ByteSize.parse(text.substring(plus + 1)));
        }
    }
}
