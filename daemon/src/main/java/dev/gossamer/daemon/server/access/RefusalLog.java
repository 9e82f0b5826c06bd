package dev.gossamer.daemon.server.access;

import dev.gossamer.io.LogLimit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who was not let in, one line each: whose TLS failed, who asked for an export that it may not use, who came when there
 * were too many. Bounded, as it is others who decide how often they ask. Any thread.
 */
public final class RefusalLog {
    private static final Logger LOG = LoggerFactory.getLogger(RefusalLog.class);

    private final LogLimit limit = LogLimit.fiftyThenOnePerSecond();

    /**
     * Writes the line, or counts it.
     *
     * @param what was refused: one word
     * @param why one line
     */
    public void refused(String what, PeerName peer, String why) {
        if (limit.admits(System.nanoTime())) {
            LOG.info(
                    "refused {} peer={} identity={} why={} leftOut={}",
                    what,
                    peer.address(),
                    peer.identity(),
                    why,
                    limit.takeLeftOut());
        }
    }
}
