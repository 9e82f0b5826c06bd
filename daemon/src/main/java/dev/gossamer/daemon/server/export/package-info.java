/**
 * What clients can open: volumes of the pool and other devices under one list of names, and one client's hold on one
 * of them. Called on the loops, so nothing here waits. New kinds of exports come in here.
 */
package dev.gossamer.daemon.server.export;
