/**
 * The NBD server: where it listens, and how an accepted channel becomes a connection. Started and stopped by one
 * thread that is no loop. Its rooms are {@code access}, {@code export}, {@code stream} and {@code connection}; only
 * what joins them comes in here.
 */
package dev.gossamer.daemon.server;
