package dev.gossamer.io.sim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Properties;
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
                ReplayCommand.command("thin-target", "PoolStormTest", "storm", 7, new Properties()));
        assertTrue(ReplayCommand.command("it-tests", "KillTest", "m", 0, new Properties())
                .endsWith(" package"));
    }

    /** A story of 500 steps is another one of 400. */
    @Test
    void theCommandHasTheSizesThatWereGiven() {
        Properties given = new Properties();
        given.setProperty("storm.steps", "500");
        given.setProperty("gossamer.fuzz.first", "17");
        given.setProperty(Seeds.PROPERTY, "7");
        given.setProperty("gossamer.root", "/somewhere");
        assertEquals(
                "mvn -q -pl thin-target -am -Dtest='StatusStormTest#storm' -Dgossamer.test.seed=7"
                        + " -Dgossamer.fuzz.first=17 -Dstorm.steps=500 -Dsurefire.failIfNoSpecifiedTests=false test",
                ReplayCommand.command("thin-target", "StatusStormTest", "storm", 7, given));
    }

    @Test
    void testsFindItByThemselves() {
        assertTrue(ServiceLoader.load(Extension.class).stream()
                .anyMatch(provider -> provider.type().equals(ReplayCommand.class)));
        assertEquals("true", System.getProperty("junit.jupiter.extensions.autodetection.enabled"));
    }
}
