/**
 * Exports of other NBD servers as block devices: connections, reconnection, and writes kept until they are stable. A
 * link belongs to one loop, and other loops' requests come to it by message; opening and closing wait, on no loop.
 * What any NBD client has to know belongs in {@code dev.gossamer.nbd.client}.
 */
package dev.gossamer.daemon.remote;
