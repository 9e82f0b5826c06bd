/**
 * Overlapping writes of one device, from all its connections, in the order in which they were received (NBD T51a). Each
 * loop owns the ranges of its own writes; another loop may read them, and comes by message to wait. A device enters its
 * writes here before it serves them.
 */
package dev.gossamer.io.order;
