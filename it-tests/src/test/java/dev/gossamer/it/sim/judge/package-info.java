/** What every sector of every volume may hold, and what every request may be answered. */
package dev.gossamer.it.sim.judge;
