/** The daemon with one rule broken, to see whether the simulation finds out. */
package dev.gossamer.it.sim.mutate;
