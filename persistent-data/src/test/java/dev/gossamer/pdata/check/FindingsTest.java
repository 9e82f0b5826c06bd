package dev.gossamer.pdata.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import org.junit.jupiter.api.Test;

/** Bounded, and what harms nobody does not hide what does. */
class FindingsTest {
    @Test
    void leaksDoNotUseUpTheRoomOfDamage() {
        Findings findings = new Findings();
        for (int i = 0; i < 2 * Findings.LIMIT; i++) {
            findings.add(new Damage.Leak(SpaceMapName.DATA, i, 1, 0));
        }
        Damage bad = new Damage.BadNode("tree", 7, "bad");
        findings.add(bad);
        assertEquals(Findings.LIMIT + 1, findings.list().size());
        assertEquals(bad, findings.list().getLast());
    }

    @Test
    void damageAllOverIsSaidOnceAndNoLongerListed() {
        Findings findings = new Findings();
        for (int i = 0; i < 2 * Findings.LIMIT; i++) {
            findings.add(new Damage.BadNode("tree", i, "bad"));
        }
        assertEquals(Findings.LIMIT + 1, findings.list().size());
        assertInstanceOf(Damage.TooMuch.class, findings.list().getLast());
    }
}
