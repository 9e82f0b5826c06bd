/** What goes wrong, and how often: drawn for each seed, most kinds switched off in most seeds. */
package dev.gossamer.it.sim.faults;
