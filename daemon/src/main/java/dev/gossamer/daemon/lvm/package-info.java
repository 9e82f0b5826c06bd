/**
 * Volumes of LVM on this machine: which devices are physical volumes, whether LVM has a volume active, and a thin pool
 * of LVM's as a pool that is served here (OT-54 to OT-58).
 */
package dev.gossamer.daemon.lvm;
