/**
 * The state of a pool and of its devices, each with the verbs that change it: devices, cells that hold their blocks,
 * origins below them, mode, events and faults. Written on the worker's loop, read by any thread where it says so. The
 * ground floor: it knows the metadata and the catalog, and none of the rooms that work with it.
 */
package dev.gossamer.thin.device;
