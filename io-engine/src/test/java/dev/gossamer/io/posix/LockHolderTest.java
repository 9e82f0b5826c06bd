package dev.gossamer.io.posix;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class LockHolderTest {
    private static final List<String> LOCKS = List.of(
            "1: POSIX  ADVISORY  READ  812 fd:01:99 128 128",
            "2: FLOCK  ADVISORY  WRITE 2411 fd:01:199 0 EOF",
            "3: FLOCK  ADVISORY  WRITE 2412 fd:01:99 0 EOF",
            "3: -> FLOCK  ADVISORY  WRITE 2413 fd:01:77 0 EOF",
            "4: FLOCK  ADVISORY  READ  -1 fd:01:55 0 EOF",
            "");

    @Test
    void theProcessWithTheLockIsNamed() {
        assertEquals(" (process 2412)", LockHolder.describe(LOCKS, 99));
    }

    @Test
    void nothingIsSaidWhenItIsNotKnown() {
        assertEquals("", LockHolder.describe(LOCKS, 98));
        assertEquals("", LockHolder.describe(LOCKS, 77));
        assertEquals("", LockHolder.describe(LOCKS, 55));
    }
}
