/**
 * What is said to a thin pool and by it: options, specifications, facts, events, modes, counters, questions about
 * mappings. Values without a thread, and interfaces that the owner of a pool implements; nothing here knows how a pool
 * works. With {@code dev.gossamer.thin.pool} this is the face of the module: nobody outside sees the other rooms.
 */
package dev.gossamer.thin;
