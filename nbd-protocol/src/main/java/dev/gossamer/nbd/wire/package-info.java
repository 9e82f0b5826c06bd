/**
 * Numbers, layouts and texts of the NBD protocol. Everything here is a constant, a pure function or a value, free of
 * channels and threads; the one thing with state is {@code NbdRequest}, which its decoder owns. What the
 * specification fixes comes in, and nothing that decides.
 */
package dev.gossamer.nbd.wire;
