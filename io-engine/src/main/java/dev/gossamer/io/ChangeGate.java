package dev.gossamer.io;

/**
 * Asked by a device before it changes anything: whether its user is still the one who may. A device that can lose its
 * connection asks again on the next one, before it repeats anything; while the connection was gone, somebody else may
 * have taken over what is stored there (OP-10).
 */
public interface ChangeGate {
    /** Lets everything through: nobody else is there, or nobody asks. */
    ChangeGate OPEN = new ChangeGate() {
        @Override
        public boolean mayChange(long offsetBytes) {
            return true;
        }

        @Override
        public void check(BlockDevice through, Verdict verdict) {
            verdict.pass();
        }
    };

    /**
     * Whether a change may be sent to the device at this moment. Any thread; takes no lock. If not, the device sends
     * nothing that changes, and may only go on after a {@link #check} on a new connection.
     *
     * @param offsetBytes where the change begins
     */
    boolean mayChange(long offsetBytes);

    /**
     * There is a new connection, over which nothing has been sent yet. On the device's own loop.
     *
     * @param through reads and writes over the new connection, with requests of that loop, until the verdict; when the
     *     connection is lost they end with EIO
     * @param verdict told once, on that loop, perhaps before this returns
     */
    void check(BlockDevice through, Verdict verdict);

    /** What comes of a {@link #check}. The reason is one line for a person. */
    interface Verdict {
        /** Go on, and repeat what has to be repeated. */
        void pass();

        /** It cannot be told now: try again on another connection. */
        void later(String why);

        /** Never send anything again: everything ends with EIO. */
        void refuse(String why);
    }
}
