/** Exports of other NBD servers as block devices: connections, reconnection, and writes kept until they are stable. */
package dev.gossamer.daemon.remote;
