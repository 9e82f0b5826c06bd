package dev.gossamer.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The pool is closed and the lock given back, whatever the server's end throws. */
class EndingTest {
    private final List<String> made = new ArrayList<>();
    private final Ending ending = new Ending();

    @Test
    void aStepThatFailsKeepsNoOtherFromBeingMade() {
        StorageException first = new StorageException(Errno.EIO, "the pool");
        ending.then(() -> made.add("server"));
        ending.then(() -> {
            throw first;
        });
        ending.then(() -> {
            throw new OutOfMemoryError("loops");
        });
        ending.then(null, () -> made.add("what never began"));
        ending.then(this, () -> made.add("lock"));
        assertEquals(List.of("server", "lock"), made);
        assertSame(first, assertThrows(StorageException.class, ending::end));
    }

    @Test
    void whatEndsWellThrowsNothing() throws StorageException {
        ending.then(() -> made.add("all"));
        ending.end();
        assertEquals(List.of("all"), made);
    }

    @Test
    void errorsAreThrownAsTheyAre() {
        ending.then(() -> {
            throw new AssertionError("a bug");
        });
        assertThrows(AssertionError.class, ending::end);
    }
}
