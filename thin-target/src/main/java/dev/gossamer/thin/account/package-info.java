/**
 * What volumes have been promised of the pool's data space, as sums that cost the same to keep whatever the number of
 * volumes (rules AC-1, AC-13). Knows no device and no request: it is told what changes. On the worker's loop.
 */
package dev.gossamer.thin.account;
