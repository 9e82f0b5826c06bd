/**
 * The judge: walks all metadata and reports damage as data. The caller's threads; reads only. A new kind of damage
 * comes in here, what to do about it does not.
 */
package dev.gossamer.pdata.check;
