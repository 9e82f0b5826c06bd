/** Devices and loops for tests: a disk that loses power, injected faults, an I/O trace, loops driven from a seed. */
package dev.gossamer.io.sim;
