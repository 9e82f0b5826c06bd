/** Classic snapshots of devices outside the pool, as the daemon serves them: which there are, and their life. */
package dev.gossamer.daemon.cow;
