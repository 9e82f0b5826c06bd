/**
 * Copy-on-write metadata in dm-thin's format: what can go wrong with it. The parts are in the packages below this one,
 * each knowing only those named before it: block, btree and space map via tx, check. FORMAT.md draws the layouts.
 */
package dev.gossamer.pdata;
