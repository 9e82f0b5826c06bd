/**
 * Commits: when a transaction is written, who waits for it, who hears of it. On the worker's loop, but for the
 * questions that loops ask. Order and durability come in here; what is in a transaction does not.
 */
package dev.gossamer.thin.commit;
