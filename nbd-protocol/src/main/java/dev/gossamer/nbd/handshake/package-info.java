/**
 * The fixed newstyle handshake, server side; it ends in a {@code NegotiatedExport}. A handler belongs to its
 * channel's event loop and to nobody after that. What options mean comes in here; which exports there are is asked of
 * an {@code ExportDirectory}.
 */
package dev.gossamer.nbd.handshake;
