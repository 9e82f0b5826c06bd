/** Reading metadata in bulk: every wanted block once, by ascending location. Knows no threads; callers bring them. */
package dev.gossamer.pdata.scan;
