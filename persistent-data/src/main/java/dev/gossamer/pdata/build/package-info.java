/**
 * Building metadata in bulk: trees whose nodes are full and in the order of their keys, written once, from one end of
 * the device to the other.
 */
package dev.gossamer.pdata.build;
