package dev.gossamer.pdata.check;

/** Which of the two space maps. */
public enum SpaceMapName {
    DATA("data"),
    METADATA("metadata");

    private final String word;

    SpaceMapName(String word) {
        this.word = word;
    }

    @Override
    public String toString() {
        return word;
    }
}
