package dev.gossamer.io.sim;

/** No memory, and once it has been thrown by a {@link ThrowingLoop} or the like, none for a word about it either. */
public final class Unspeakable extends OutOfMemoryError {
    private static final long serialVersionUID = 1L;

    private boolean thrown;

    public Unspeakable() {
        super("Java heap space");
    }

    @Override
    @SuppressWarnings("UnsynchronizedOverridesSynchronized") // one thread
    public Throwable fillInStackTrace() {
        thrown = getMessage() != null;
        return super.fillInStackTrace();
    }

    @Override
    @SuppressWarnings("OverrideThrowableToString") // it is the text that cannot be made, not the message
    public String toString() {
        if (thrown) {
            throw new OutOfMemoryError("no memory to tell of it");
        }
        return "an error that cannot be told";
    }
}
