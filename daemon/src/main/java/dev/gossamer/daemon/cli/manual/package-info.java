/**
 * What is made of the commands' own descriptions: manual pages, completions for shells. At build time, on one thread.
 * Nothing is described here that a command does not say of itself.
 */
package dev.gossamer.daemon.cli.manual;
