package dev.gossamer.thin;

/**
 * What to do with a device that looks like the catalog of version 0.1.0, in metadata that do not say whose it is. That
 * version left no mark in the metadata, and the inside of a device is its user's to write: who had that device in a
 * pool of another program could name all other volumes. So somebody who knows has to decide, once.
 */
public enum UnmarkedCatalog {
    /** The pool is not opened, and the message says how to decide. */
    REFUSE(""),
    /** It is the catalog: the pool was made by version 0.1.0. It is marked with the first change. */
    TAKE("take"),
    /** It is a volume: the pool is another program's. */
    IGNORE("ignore");

    private final String word;

    UnmarkedCatalog(String word) {
        this.word = word;
    }

    /** As written in pool.yaml; empty for the default. */
    public String word() {
        return word;
    }

    /** Null for a word that is none. */
    public static UnmarkedCatalog of(String word) {
        for (UnmarkedCatalog each : values()) {
            if (each.word.equals(word) && each != REFUSE) {
                return each;
            }
        }
        return null;
    }
}
