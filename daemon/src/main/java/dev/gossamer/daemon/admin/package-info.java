/**
 * HTTP and JSON on the admin socket: checks what comes in, asks a {@link dev.gossamer.daemon.admin.PoolAdmin} or a
 * {@link dev.gossamer.daemon.admin.CowAdmin}, writes answers. Runs on a loop and never waits; what may take long is a
 * future. Nothing here decides what a change means.
 */
package dev.gossamer.daemon.admin;
