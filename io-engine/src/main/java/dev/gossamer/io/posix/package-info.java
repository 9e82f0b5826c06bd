/**
 * Files and block devices: opening, locking, identity, and the ways to carry out requests on them. A device belongs to
 * the loop of each of its requests; opening and locking wait, and are not for loops.
 */
package dev.gossamer.io.posix;
