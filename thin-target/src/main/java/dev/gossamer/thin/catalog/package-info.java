/**
 * What dm-thin has no place for: names, sizes, UUIDs, limits and external origins, in a hidden thin device of the pool.
 * On the worker's loop; waits for its I/O. What a volume must know of itself after a restart, and the metadata does not
 * hold, comes in here.
 */
package dev.gossamer.thin.catalog;
