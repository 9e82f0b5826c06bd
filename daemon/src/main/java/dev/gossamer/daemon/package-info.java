/**
 * The program put together: {@link dev.gossamer.daemon.Daemon} wires devices, loops, pool and servers and stops them
 * in order; beside it what makes a pool, and what the admin API asks for. One thread starts and stops; the services
 * answer on any thread and wait on threads of their own. Only what needs several of the packages below comes in here.
 */
package dev.gossamer.daemon;
