package dev.gossamer.daemon.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.gossamer.daemon.server.NbdTestClient;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What jobs cannot do is refused in one line that says why, and nothing is changed. */
@Timeout(60)
class JobRefusalsTest extends CommandsFixture {
    @BeforeEach
    void makeVolumes() {
        for (String line : new String[] {
            "volume create a --size 2M",
            "volume create b --size 1M",
            "volume create odd --size 1000K",
            "snapshot create a frozen --read-only"
        }) {
            assertEquals(0, run(line), err);
        }
    }

    private String state() {
        StringBuilder state = new StringBuilder();
        for (String line : new String[] {"volume list --json", "pool owners 0+64M --json", "dm-status"}) {
            if (run(line) == 0) {
                state.append(out);
            }
        }
        return state.toString();
    }

    /** The clone that would be copied is not made either. */
    @Test
    void aCopyThatFindsNoRoomIsRefusedBeforeThereIsAClone() throws Exception {
        try (NbdTestClient client = new NbdTestClient(pool.nbdSocket(), "a")) {
            client.write(1, 0, new byte[64 << 10]);
            assertEquals(0, client.reply(0).error());
        }
        assertEquals(0, run("volume create rest --size 64M"), err);
        assertEquals(0, run("status --json"), err);
        long free = new JsonMapper().readTree(out).path("dataFreeBytes").asLong();
        assertEquals(0, run("volume set rest --reserve " + (free - (32 << 10))), err);
        String before = state();
        assertEquals(7, run("volume clone a c --independent"), out);
        assertTrue(err.contains("a copy of a takes 65536 bytes, and 0 are free"), err);
        assertEquals(1, err.lines().count(), err);
        assertEquals(before, state());
        assertEquals(0, run("volume clone a c"), err);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "clone none b | there is no volume 'none'",
                "clone a none | there is no volume 'none'",
                "clone a frozen | read-only",
                "clone a:512+64K b | multiples of the pool's block size",
                "clone a:0+64K b:512 | multiples of the pool's block size",
                "clone a:0+512 b | multiple of the pool's block size",
                "clone a:2M+64K b | is not in volume a",
                "clone a:1M+2M b | is not in volume a",
                "clone a b | is not in volume b",
                "clone a:0+128K a:64K | overlap",
                "clone a a | overlap",
                "clone odd b | unless the range ends where both volumes do",
                "volume clone none c --independent | no volume 'none'",
                "volume clone a b --independent | exists already",
                "volume detach none | no volume 'none'",
                "volume detach a | is over no external origin",
                "dedupe a none | there is no volume 'none'",
                "defragment none | there is no volume 'none'",
                "pool evacuate 64M+64K | is not in the data device",
                "pool evacuate 63M+2M | is not in the data device",
                "pool shrink --data 64K | no smaller than",
                "pool shrink --data 64M | no smaller size",
                "pool shrink --data 1G | no smaller size",
                "pool owners 1G+1M | is not in the data device",
                "job show 77 | there is no job 77",
                "job cancel 77 | there is no job 77",
                "job pause 0 | goes on by itself"
            })
    void eachIsOneLineAndChangesNothing(String line, String words) {
        String before = state();
        assertTrue(before.contains("frozen"), before);
        int code = run(line);
        assertNotEquals(0, code, line + ": " + out);
        assertNotEquals(2, code, "it was not understood: " + err);
        assertTrue(err.contains(words), line + ": " + err);
        assertEquals(1, err.lines().count(), err);
        assertTrue(out.isEmpty(), out);
        assertEquals(before, state());
    }
}
