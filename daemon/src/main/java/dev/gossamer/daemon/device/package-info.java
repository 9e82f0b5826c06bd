/**
 * The one place where what a user names, a path or a URI, becomes a {@link dev.gossamer.io.BlockDevice}: of the pool,
 * of volumes' external origins, of classic snapshots. Opening waits, so it is for the control path and for no loop;
 * growing runs on the pool's worker. What is done with an open device lives elsewhere.
 */
package dev.gossamer.daemon.device;
