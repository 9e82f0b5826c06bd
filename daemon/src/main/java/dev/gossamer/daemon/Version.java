package dev.gossamer.daemon;

/** The program's version, from the manifest of its jar. */
public final class Version {
    private Version() {}

    /** For example {@code 0.1.0}; {@code development} when run from class files. */
    public static String current() {
        String version = Version.class.getPackage().getImplementationVersion();
        return version == null ? "development" : version;
    }
}
