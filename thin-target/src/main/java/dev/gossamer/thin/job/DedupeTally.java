package dev.gossamer.thin.job;

/** What a dedupe has found, in blocks, and how it is told. Worker's thread. */
final class DedupeTally {
    long read;
    /** Those that have the fingerprint of another. */
    long duplicates;

    long merged;
    /** Those that were not equal, or have changed, or somebody has who is not known. */
    long different;

    long zeros;
    long unmapped;
    /** Those of zeros that are not unmapped of all who have them, and shared as other blocks are. */
    long sharedZeros;

    String soFar() {
        return duplicates + " blocks have equals, " + merged + " are shared now; " + zeros + " are zeros, " + unmapped
                + " unmapped now";
    }

    String ofDryRun(int passes, long blockBytes) {
        return duplicates + of(passes) + "have equals, " + zeros + " are zeros: " + (duplicates + zeros) * blockBytes
                + " bytes";
    }

    String result(int passes, long blockBytes) {
        return duplicates + of(passes) + "had equals, " + merged + " are shared now; " + zeros + " were zeros, "
                + unmapped + " are unmapped" + (sharedZeros == 0 ? "" : ", " + sharedZeros + " shared as others are")
                + "; " + (merged + unmapped) * blockBytes + " bytes freed; " + different
                + " were not equal, or have changed";
    }

    private String of(int passes) {
        return " of " + read / passes + " blocks ";
    }
}
