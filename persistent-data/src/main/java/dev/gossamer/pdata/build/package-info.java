/**
 * Building metadata in bulk: trees whose nodes are full and in the order of their keys, written once, from one end of
 * the device to the other. One thread, the caller's, which waits for the device. For metadata that nobody serves; what
 * changes a living pool goes through {@code tx}.
 */
package dev.gossamer.pdata.build;
