/**
 * One pool, one owner: the slot by which daemons on several machines know whose turn it is, and who asks it when (OP-10
 * to OP-12). Claiming waits, on the thread that opens the pool; afterwards the slot is kept up on the ownership's loop,
 * and each change of a device asks on its own loop. Nothing here knows what a pool holds, but where its slot and its
 * superblock are.
 */
package dev.gossamer.thin.owner;
