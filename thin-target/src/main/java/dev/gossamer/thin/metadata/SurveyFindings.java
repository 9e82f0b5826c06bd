package dev.gossamer.thin.metadata;

import java.util.Arrays;
import java.util.Map;
import java.util.Set;

/**
 * What {@link PoolSurvey} has found in metadata that another program wrote last. Not changed.
 *
 * @param superblock block 0 as it was: of another one these findings say nothing
 * @param devices what is wrong with a device, by its id; no more devices than the pool has
 * @param damage what is wrong with metadata that all devices share, so that nothing may be changed; null: nothing
 * @param snapshotDamage what is wrong with the metadata snapshot, which is to be left as it is then; null: nothing
 * @param usedThoughFree data blocks in use that are counted free: not to be given out
 * @param sound everything was looked at, and nothing is wrong: a commit may say so ({@link Superblock#isOwn})
 */
@SuppressWarnings("ArrayRecordComponent") // Nobody compares findings.
public record SurveyFindings(
        byte[] superblock,
        Map<Integer, String> devices,
        String damage,
        String snapshotDamage,
        Set<Long> usedThoughFree,
        boolean sound) {
    /** Of metadata that this program wrote, and of any that nobody has looked at. */
    public static final SurveyFindings NONE = new SurveyFindings(new byte[0], Map.of(), null, null, Set.of(), true);

    /** The metadata is too large to be looked through. */
    static SurveyFindings tooLarge(byte[] superblock) {
        return new SurveyFindings(superblock, Map.of(), null, null, Set.of(), false);
    }

    /** What is wrong with a device; null: nothing. */
    String damageOf(int id) {
        return devices.get(id);
    }

    /** Whether they are of the metadata that this superblock leads to. */
    boolean isOf(byte[] otherSuperblock) {
        return Arrays.equals(superblock, otherSuperblock);
    }
}
