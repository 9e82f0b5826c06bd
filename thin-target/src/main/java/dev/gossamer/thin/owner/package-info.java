/**
 * One pool, one owner: the slot by which daemons on several machines know whose turn it is, and who asks it when (OP-10
 * to OP-12).
 */
package dev.gossamer.thin.owner;
