/**
 * What is done to one virtual block while a cell holds it: provisioning, breaking of sharing, rewriting of sectors, the
 * end of sharing; and unmapping, which waits for cells. On the worker's loop. Only work that a request waits for comes
 * in.
 */
package dev.gossamer.thin.cell;
