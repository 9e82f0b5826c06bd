package dev.gossamer.io.lvm;

/**
 * A physical volume as its group's text has it.
 *
 * @param name in the text alone
 * @param id without dashes
 * @param missing LVM has gone on without it
 */
record PhysicalVolume(String name, String id, long startSector, long extents, boolean missing) {}
