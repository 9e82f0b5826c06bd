/**
 * Data blocks and who may have them: quotas, who waits and for how long, low water, growth, the way of freed blocks
 * back, and the reclaiming of deleted volumes. On the worker's loop. It hears of commits as events, and of blocks from
 * nobody else.
 */
package dev.gossamer.thin.space;
