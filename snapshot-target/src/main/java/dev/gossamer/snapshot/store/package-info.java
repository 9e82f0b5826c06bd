/** Where a snapshot keeps what the origin has lost: dm-snapshot's persistent store, and the transient one. */
package dev.gossamer.snapshot.store;
