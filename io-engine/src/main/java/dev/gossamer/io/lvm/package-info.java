/**
 * Logical volumes of LVM2, found and put together from the bytes on its physical volumes. Looking and opening wait, on
 * the control path; an open volume is a device like any other, on its requests' loops. Nothing here needs LVM or
 * device-mapper, and nothing writes to LVM's own areas. Every number on a disk is a stranger's: it is compared with the
 * device before anything is done on its strength (OT-50 to OT-59).
 */
package dev.gossamer.io.lvm;
