package dev.gossamer.thin.offline;

/** Metadata that uses what this version does not know, so that it must not be changed, or not even be read. */
public final class UnknownFeatures extends NoPool {
    private static final long serialVersionUID = 1L;

    UnknownFeatures(String message) {
        super(message);
    }
}
