package dev.gossamer.daemon.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What sizes promise is bounded and shown, and what is promised besides is set and shown (AC-13, AC-16). */
@Timeout(60)
class OverCommitTest extends CommandsFixture {
    private JsonNode json() throws IOException {
        return new JsonMapper().readTree(out);
    }

    @Test
    void ac16ASizeBeyondAThousandTimesThePoolWantsForce() throws IOException {
        assertEquals(1, run("volume create huge --size 60P"), err);
        assertTrue(err.contains("with 60 PiB more, volumes would have 1000000000 times what the pool has"), err);
        assertTrue(err.contains("the bound is 1000 (--force)"), err);
        assertEquals(8, run("volume show huge"));
        assertEquals(0, run("volume create huge --size 60P --force"), err);
        assertEquals(0, run("space"), err);
        assertTrue(out.contains("times the data, which is much"), out);
        assertEquals(1, run("volume create small --size 1M"), "it is beyond the bound already");
        assertEquals(0, run("snapshot create huge monday --read-only"), "which nobody writes: " + err);
        assertEquals(1, run("volume clone huge copy"), err);
        assertEquals(0, run("volume delete monday"), err);
        assertEquals(0, run("volume delete huge"), err);
        assertEquals(0, run("volume create small --size 1M"), err);
        assertEquals(1, run("volume resize small --size 60P"), err);
        assertEquals(0, run("space --json"), err);
        assertTrue(json().path("overCommit").asDouble() < 1, out);
    }

    @Test
    void ac13WhatIsPromisedIsSetAndShown() throws IOException {
        assertEquals(0, run("volume create db --size 2M --thick --critical"), err);
        assertEquals(0, run("volume show db --json"), err);
        assertTrue(json().path("thick").asBoolean() && json().path("critical").asBoolean(), out);
        assertEquals(2 << 20, json().path("promisedBytes").asLong());
        assertEquals(0, json().path("ownBytes").asLong());
        assertEquals(0, run("volume list"), err);
        assertTrue(out.contains("PROMISED"), out);
        assertEquals(0, run("volume set db --no-thick --no-critical --reserve 1M --on-full-timeout 5"), err);
        assertEquals(0, run("volume show db"), err);
        assertTrue(out.contains("waiting 5 s"), out);
        assertFalse(out.contains("critical"), out);
        assertEquals(1, run("volume set db --thick --reserve 1M"), err);
        assertTrue(err.contains("all of a thick volume is promised to it"), err);
        assertEquals(1, run("volume set db --on-full-timeout 100000"), err);
        assertEquals(7, run("volume create big --size 10G --thick"), err);
        assertTrue(err.contains("cannot promise 10 GiB more to big"), err);
    }
}
