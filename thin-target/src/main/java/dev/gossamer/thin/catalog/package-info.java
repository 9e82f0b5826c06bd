/** What dm-thin has no place for: names, sizes, UUIDs, in a hidden thin device of the pool. */
package dev.gossamer.thin.catalog;
