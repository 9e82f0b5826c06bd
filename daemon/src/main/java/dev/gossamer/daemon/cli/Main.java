package dev.gossamer.daemon.cli;

/** Where the program starts. */
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        System.setErr(new StandardError(System.err, System.err.charset()));
        System.exit(GossamerCommand.run(new StandardOutput(), args));
    }
}
