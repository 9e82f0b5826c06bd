/** Numbers, layouts and texts of the NBD protocol; everything here is free of channels and of state but {@code NbdRequest}. */
package dev.gossamer.nbd.wire;
