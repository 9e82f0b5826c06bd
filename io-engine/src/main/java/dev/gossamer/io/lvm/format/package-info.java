/**
 * What LVM2 writes on physical volumes: labels, metadata areas, and the text in them (OT-50 to OT-52).
 */
package dev.gossamer.io.lvm.format;
