package dev.gossamer.daemon.cli.tools;

/** What a tool's exit code says (OT-4). */
final class ToolExit {
    static final int DONE = 0;
    /** It could not: an I/O error, an output that is too small. Nothing is half done that looks whole. */
    static final int FAILED = 1;

    static final int USAGE = 2;
    /** Only space is lost, or hints are wrong. */
    static final int LEAKS = 3;

    static final int DAMAGE = 4;
    static final int IN_USE = 5;
    /** No thin metadata, or of a kind that this version does not know. */
    static final int NO_POOL = 6;

    private ToolExit() {}
}
