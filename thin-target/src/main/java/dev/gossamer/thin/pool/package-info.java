/**
 * The door: a pool, its volumes as they are exported, and the place where the parts are put together. Volumes run on
 * the loop of the request, the pool on any thread. What comes in here is called from outside, or serves a request on
 * its loop; what the worker decides belongs to the rooms below, and none of them knows this one.
 */
package dev.gossamer.thin.pool;
