/**
 * The daemon's log: lines on standard error, as text, as JSON, or with a service manager's levels before them. What
 * writes them is a provider of SLF4J of our own, {@link dev.gossamer.daemon.log.LogProvider}: slf4j-simple cannot tell
 * a value from the words around it, and what can is larger than all that is logged here. Nothing is rotated, filtered
 * or sent: that is for whoever reads standard error.
 */
package dev.gossamer.daemon.log;
