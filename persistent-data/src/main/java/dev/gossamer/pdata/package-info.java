/**
 * Copy-on-write metadata in dm-thin's format: what can go wrong with it. The parts are in the packages below this one,
 * each knowing only those named before it: block, tx, btree, spacemap, scan, build and check. Values for any thread;
 * what waits and on whose thread, each part says. FORMAT.md draws the layouts.
 */
package dev.gossamer.pdata;
