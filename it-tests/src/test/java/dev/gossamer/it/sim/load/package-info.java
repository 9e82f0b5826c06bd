/** What users do: NBD clients and administrators, by a plan that the seed makes beforehand. */
package dev.gossamer.it.sim.load;
