/** The map from virtual to data blocks that I/O loops read without asking the worker. */
package dev.gossamer.thin.extent;
