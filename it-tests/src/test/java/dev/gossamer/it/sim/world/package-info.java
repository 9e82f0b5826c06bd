/** One thread, one clock, one seed: event loops, sockets and disks of a daemon, and its life from start to end. */
package dev.gossamer.it.sim.world;
