/** Block devices, the requests they serve, and the loops that own those requests. */
package dev.gossamer.io;
