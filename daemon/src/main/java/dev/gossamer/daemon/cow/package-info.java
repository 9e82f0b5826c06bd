/**
 * Origins and classic snapshots as the daemon serves them: which there are, their record in {@code cow.yaml}, and
 * each step of their life in an order that a crash may interrupt. Changes happen on threads that may wait, one at a
 * time; exports are opened on the loops. The snapshots themselves are {@code dev.gossamer.snapshot}'s.
 */
package dev.gossamer.daemon.cow;
