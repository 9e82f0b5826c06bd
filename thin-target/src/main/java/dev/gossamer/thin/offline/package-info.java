/**
 * A pool's metadata without a pool: reading, checking, writing and repairing it while nobody serves it. Believes
 * nothing that it has not compared with the device.
 */
package dev.gossamer.thin.offline;
