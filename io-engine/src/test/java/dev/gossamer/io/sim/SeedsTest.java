package dev.gossamer.io.sim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.Extension;

/** A story is told again by its number, and a failure names the command that does so. */
final class SeedsTest {
    @Test
    void equalNumbersTellEqualStories() {
        assertEquals(Seeds.splittable(3).nextLong(), Seeds.splittable(3).nextLong());
        assertEquals(Seeds.random(3).nextLong(), Seeds.random(3).nextLong());
        assertEquals(1, Seeds.of(4) - Seeds.of(3));
    }

    @Test
    void whoHasDrawnIsRemembered() {
        Seeds.forget();
        assertTrue(!Seeds.wereDrawn());
        Seeds.random(1);
        assertTrue(Seeds.wereDrawn());
    }

    @Test
    void theCommandNamesModuleTestAndSeed() {
        assertEquals(
                "mvn -q -pl thin-target -am -Dtest='PoolStormTest#storm' -Dgossamer.test.seed=7"
                        + " -Dsurefire.failIfNoSpecifiedTests=false test",
                ReplayCommand.command("thin-target", "PoolStormTest", "storm", 7));
        assertTrue(ReplayCommand.command("it-tests", "KillTest", "m", 0).endsWith(" package"));
    }

    @Test
    void testsFindItByThemselves() {
        assertTrue(ServiceLoader.load(Extension.class).stream()
                .anyMatch(provider -> provider.type().equals(ReplayCommand.class)));
        assertEquals("true", System.getProperty("junit.jupiter.extensions.autodetection.enabled"));
    }
}
