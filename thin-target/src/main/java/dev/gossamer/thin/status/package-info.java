/**
 * Questions about mappings, answered from the tree on the worker's loop in one task each, and the kinship of volumes,
 * on any thread. Nothing here changes anything.
 */
package dev.gossamer.thin.status;
