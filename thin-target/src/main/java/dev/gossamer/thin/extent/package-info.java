/**
 * The map from virtual to data blocks that I/O loops read without asking the worker: immutable arrays, exchanged as a
 * whole. Any thread reads, the worker writes. It knows numbers only, no device and no metadata.
 */
package dev.gossamer.thin.extent;
