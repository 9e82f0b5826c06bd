/**
 * Where requests enter the single writer of a pool, and what an abort does to all its parts. On the worker's loop. Only
 * what concerns every request, or every part, comes in; the work itself is done in the rooms below.
 */
package dev.gossamer.thin.worker;
