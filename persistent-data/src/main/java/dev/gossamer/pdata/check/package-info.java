/** The judge: walks all metadata and reports damage as data. */
package dev.gossamer.pdata.check;
