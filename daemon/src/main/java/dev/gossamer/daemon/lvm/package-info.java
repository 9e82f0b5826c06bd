/**
 * Volumes of LVM on this machine: which devices are physical volumes, whether LVM has a volume active, and a thin pool
 * of LVM's as a pool that is served here (OT-54 to OT-58). The control path, which may wait; one thread at a time.
 * LVM's format is {@code dev.gossamer.io.lvm}'s; what asks this machine about it comes in here.
 */
package dev.gossamer.daemon.lvm;
