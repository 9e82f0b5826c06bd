package dev.gossamer.io.libc;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;
import org.junit.jupiter.api.Test;

/**
 * jnr-ffi passes garbage as the sixth of six integer arguments on x86-64, unless its assembler stubs are switched off.
 * mmap has six: the last is the offset in the file.
 */
class SixArgumentsTest {
    private static final int PROT_READ = 1;
    private static final int MAP_PRIVATE = 2;
    private static final int PAGE = 4096;

    @Test
    void theSixthArgumentArrives() throws Exception {
        Libc.Calls calls = Libc.CALLS;
        Path file = Path.of("target", "six-arguments");
        byte[] content = new byte[4 * PAGE];
        for (int page = 0; page < 4; page++) {
            content[page * PAGE] = (byte) (10 + page);
        }
        Files.write(file, content);
        int fd = Libc.CALLS.open(file.toString(), Libc.O_RDONLY | Libc.O_CLOEXEC, 0);
        try {
            for (int page = 0; page < 4; page++) {
                long address = calls.mmap(0, PAGE, PROT_READ, MAP_PRIVATE, fd, (long) page * PAGE);
                assertEquals(0, address & (PAGE - 1), "mmap failed: -Djnr.ffi.x86asm.enabled=false is missing");
                byte first = Pointer.wrap(Runtime.getRuntime(calls), address).getByte(0);
                calls.munmap(address, PAGE);
                assertEquals(10 + page, first);
            }
        } finally {
            Libc.CALLS.close(fd);
            Files.delete(file);
        }
    }
}
