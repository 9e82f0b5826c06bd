/** Reference counts of metadata and data blocks, and allocation. */
package dev.gossamer.pdata.spacemap;
