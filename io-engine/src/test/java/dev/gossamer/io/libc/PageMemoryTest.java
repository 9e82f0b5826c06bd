package dev.gossamer.io.libc;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class PageMemoryTest {
    private static final int SMALL = 64 << 10;
    private static final int LARGE = 8 << 20;

    @Test
    void largeMemoryIsToBeOfHugePagesAndSmallIsNot() throws IOException {
        assumeTrue(Files.exists(Path.of("/sys/kernel/mm/transparent_hugepage")), "this kernel has no huge pages");
        assertTrue(flagsOf(LARGE).contains("hg"), "asked for");
        assertFalse(flagsOf(SMALL).contains("hg"), "would waste most of a huge page");
    }

    private static List<String> flagsOf(int lengthBytes) throws IOException {
        long address = PageMemory.map(lengthBytes);
        try {
            return vmFlags(address);
        } finally {
            PageMemory.unmap(address, lengthBytes);
        }
    }

    /** What the kernel says of the mapping that an address is in. */
    private static List<String> vmFlags(long address) throws IOException {
        boolean inside = false;
        for (String line : Files.readAllLines(Path.of("/proc/self/smaps"))) {
            List<String> words = List.of(line.trim().split(" +", -1));
            if (words.getFirst().matches("[0-9a-f]+-[0-9a-f]+")) {
                List<String> bounds = List.of(words.getFirst().split("-", -1));
                inside = Long.compareUnsigned(Long.parseUnsignedLong(bounds.get(0), 16), address) <= 0
                        && Long.compareUnsigned(address, Long.parseUnsignedLong(bounds.get(1), 16)) < 0;
            } else if (inside && words.getFirst().equals("VmFlags:")) {
                return words.subList(1, words.size());
            }
        }
        throw new AssertionError("no flags for " + Long.toHexString(address));
    }
}
