/**
 * The maps that loops read: look-ups on any loop, and their loading and publishing on the worker's loop, which alone
 * writes. What comes in here answers "where is this block" and changes nothing that would have to be committed.
 */
package dev.gossamer.thin.map;
