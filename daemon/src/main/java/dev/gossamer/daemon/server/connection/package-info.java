/**
 * One client in transmission: from NBD command to block request, and from completion to reply. A connection belongs
 * to its loop; registry and counters may be read from any thread. What a command means comes in here, how its bytes
 * travel does not.
 */
package dev.gossamer.daemon.server.connection;
