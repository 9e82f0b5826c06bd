package dev.gossamer.it.sim.load;

/**
 * One thing that somebody does, decided before the story begins: taking one out leaves the others as they are.
 *
 * @param index its name in the plan
 * @param who which user, modulo how many there are
 * @param where which volume, modulo how many there are then
 * @param a kind of place or size; what it means is the kind's business, as with {@code b} and {@code c}
 * @param gapNanos since the one before it
 */
public record Op(int index, Kind kind, int who, int where, int a, int b, int c, long gapNanos) {
    /** What is done, and how often among all. A new one is a line here and a case where it is carried out. */
    public enum Kind {
        WRITE(300),
        READ(170),
        FLUSH(70),
        TRIM(60),
        ZEROES(45),
        CACHE(8),
        STATUS(15),
        BAD(12),
        LEAVE(14),
        LIE(3),
        CREATE(10),
        SNAPSHOT(16),
        GROUP(6),
        ROLLBACK(8),
        RESIZE(7),
        RENAME(4),
        DELETE(14),
        LIMIT(8),
        GROW(4),
        METADATA_SNAPSHOT(3),
        ACCESS(3),
        JOB(24),
        CLASSIC(14),
        STATUS_LINE(8),
        RESTART(2),
        LEAP(3);

        final int weight;

        Kind(int weight) {
            this.weight = weight;
        }

        /** Whether two volumes share blocks afterwards. */
        boolean copies() {
            return this == SNAPSHOT || this == GROUP || this == ROLLBACK;
        }
    }
}
