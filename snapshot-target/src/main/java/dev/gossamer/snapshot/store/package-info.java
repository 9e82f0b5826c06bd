/**
 * Where a snapshot keeps what the origin has lost: dm-snapshot's persistent store, and the transient one. The worker's
 * loop, in steps that never wait; opening a store is a chain of such steps. What comes in here knows the format and no
 * request.
 */
package dev.gossamer.snapshot.store;
