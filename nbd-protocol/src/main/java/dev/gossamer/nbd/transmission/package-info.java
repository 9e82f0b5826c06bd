/** The transmission phase, server side: requests in, reply headers out; independent of channels. */
package dev.gossamer.nbd.transmission;
