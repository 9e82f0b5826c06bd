package dev.gossamer.daemon;

import dev.gossamer.daemon.device.DeviceOpener;
import java.time.Duration;

/** A start that is under way, for whoever may want to end it: without its devices' patience it fails. Any thread. */
public final class Starting {
    private DeviceOpener opener;
    private Duration limit;

    /** What the start waits for comes from there. */
    synchronized void opensWith(DeviceOpener devices) {
        opener = devices;
        if (limit != null) {
            opener.limitPatience(limit);
        }
    }

    /** No server of a remote device is waited for any longer than this, those that are not asked yet among them. */
    public synchronized void end(Duration within) {
        limit = within;
        if (opener != null) {
            opener.limitPatience(within);
        }
    }
}
