/**
 * What LVM2 writes on physical volumes: labels, metadata areas, and the text in them (OT-50 to OT-52). Functions and
 * values without a thread; bytes come in, records go out. Nothing here opens a device or knows what a volume is made
 * of.
 */
package dev.gossamer.io.lvm.format;
