/**
 * The packaged distribution, run as a process and judged by programs that we did not write: NBD clients, {@code
 * thin_check} and {@code thin_dump}, a Linux kernel; and checks over the whole source tree.
 */
package dev.gossamer.it;
