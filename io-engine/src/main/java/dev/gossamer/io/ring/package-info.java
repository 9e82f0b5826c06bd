/** Event loops that carry sockets and disk I/O, on Netty; where the kernel allows it both share one io_uring. */
package dev.gossamer.io.ring;
