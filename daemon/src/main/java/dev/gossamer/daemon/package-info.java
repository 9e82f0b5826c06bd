/** The program: reads its configuration, wires devices, loops, pool and servers together, and stops them in order. */
package dev.gossamer.daemon;
