/**
 * How bytes travel between a client and its connection: over the loop's ring or over a Netty channel. Each object
 * belongs to one loop. Nothing here knows what the bytes mean.
 */
package dev.gossamer.daemon.server.stream;
