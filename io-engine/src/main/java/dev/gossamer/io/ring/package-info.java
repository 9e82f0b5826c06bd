/**
 * Event loops that carry sockets and disk I/O, on Netty; where the kernel allows it both share one io_uring. Everything
 * belongs to its loop's thread, which never waits; starting and closing loops is for one other thread. What talks to
 * the ring or to Netty for I/O comes in here, nothing that knows NBD.
 */
package dev.gossamer.io.ring;
