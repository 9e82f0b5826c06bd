/** A thin pool and its volumes: what the daemon opens, manages and exports. */
package dev.gossamer.thin;
