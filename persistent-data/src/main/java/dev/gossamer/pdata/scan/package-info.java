/**
 * Reading metadata in bulk: every wanted block once, by ascending location. Knows no threads; callers bring them. What
 * reads more than a pool's cache holds comes in here; what is found is the caller's to judge.
 */
package dev.gossamer.pdata.scan;
