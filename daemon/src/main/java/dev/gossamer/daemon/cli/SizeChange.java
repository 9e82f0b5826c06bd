package dev.gossamer.daemon.cli;

import dev.gossamer.daemon.admin.FailureKind;
import picocli.CommandLine.ITypeConverter;

/**
 * A new size: {@code 80G}, or {@code +10G} more than it is.
 *
 * @param bytes what it shall be, or by how much it shall grow
 */
record SizeChange(long bytes, boolean growth) {
    /** Of the command line. */
    static final class Converter implements ITypeConverter<SizeChange> {
        @Override
        public SizeChange convert(String text) {
            boolean growth = text.startsWith("+");
            return new SizeChange(ByteSize.parse(growth ? text.substring(1) : text), growth);
        }
    }

    /** The new size of what has {@code presentBytes}. */
    long from(long presentBytes) throws CommandFailed {
        try {
            return growth ? Math.addExact(presentBytes, bytes) : bytes;
        } catch (ArithmeticException e) {
            throw new CommandFailed(FailureKind.FAILED, "it would be larger than any size; choose a smaller one", e);
        }
    }
}
