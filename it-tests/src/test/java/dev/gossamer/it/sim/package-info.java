/** The whole daemon in one thread, from one seed: stories with faults, told by the thousand. */
package dev.gossamer.it.sim;
