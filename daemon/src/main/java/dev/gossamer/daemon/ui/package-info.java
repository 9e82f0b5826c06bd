/**
 * The page of {@code gossamer ui}: a small HTTP server of a process of its own, for one browser of one user on this
 * machine, which asks the daemon over the admin socket with the rights of that user. One loop owns all connections and
 * never waits; what asks the daemon waits on a few threads. Every request is looked at by
 * {@link dev.gossamer.daemon.ui.UiGate} before anything else sees it, and only what the page needs goes further.
 */
package dev.gossamer.daemon.ui;
