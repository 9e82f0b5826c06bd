/** The fixed newstyle handshake, server side; it ends in a {@code NegotiatedExport}. */
package dev.gossamer.nbd.handshake;
