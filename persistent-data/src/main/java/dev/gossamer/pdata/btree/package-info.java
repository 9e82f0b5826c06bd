/** The one tree: copy-on-write, 64-bit keys, in one level or two. */
package dev.gossamer.pdata.btree;
