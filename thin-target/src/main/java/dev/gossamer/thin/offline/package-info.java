/**
 * A pool's metadata without a pool: reading, checking, writing and repairing it while nobody serves it. The caller's
 * threads, which may wait. Believes nothing that it has not compared with the device; what comes in here works on
 * metadata at rest, in formats that others have defined.
 */
package dev.gossamer.thin.offline;
