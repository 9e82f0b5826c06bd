package dev.gossamer.daemon.server.connection;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdError;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class NbdErrnoMapTest {
    /** Everything that is not an I/O error on the wire. */
    private static final Map<String, Integer> EXPECTED = Map.ofEntries(
            Map.entry("OK", NbdError.OK),
            Map.entry("EPERM", NbdError.EPERM),
            Map.entry("EROFS", NbdError.EPERM),
            Map.entry("ENOMEM", NbdError.ENOMEM),
            Map.entry("ECANCELED", NbdError.ENOMEM),
            Map.entry("EINVAL", NbdError.EINVAL),
            Map.entry("EOPNOTSUPP", NbdError.EINVAL),
            Map.entry("ENOSPC", NbdError.ENOSPC),
            Map.entry("EDQUOT", NbdError.ENOSPC),
            Map.entry("EFBIG", NbdError.ENOSPC),
            Map.entry("ESHUTDOWN", NbdError.ESHUTDOWN));

    @Test
    void everyErrorNumberOfTheProgramHasItsCounterpart() throws IllegalAccessException {
        Map<String, Integer> actual = new TreeMap<>();
        for (Field field : Errno.class.getFields()) {
            if (Modifier.isStatic(field.getModifiers()) && field.getType() == int.class) {
                actual.put(field.getName(), NbdErrnoMap.toNbdError(field.getInt(null), 0));
            }
        }
        assertTrue(actual.keySet().containsAll(EXPECTED.keySet()));
        actual.forEach((name, error) -> assertEquals(EXPECTED.getOrDefault(name, NbdError.EIO), error, name));
    }

    @Test
    void onlyFastZeroIsToldThatSomethingIsNotSupported() {
        assertEquals(NbdError.ENOTSUP, NbdErrnoMap.toNbdError(Errno.EOPNOTSUPP, BlockRequest.FAST_ZERO));
    }

    @Test
    void anyNumberWhateverMayAnswerEveryCommand() {
        for (int errno = 1; errno < 200; errno++) {
            int error = NbdErrnoMap.toNbdError(errno, 0);
            assertTrue(NbdError.mayAnswer(error, NbdCommand.READ), "errno " + errno);
        }
    }
}
