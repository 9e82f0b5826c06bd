/**
 * The transmission phase, server side: requests in, reply headers out, independent of channels and disks. Each
 * decoder and encoder belongs to one connection's loop. Checks of what the wire says come in here, once for all
 * commands.
 */
package dev.gossamer.nbd.transmission;
