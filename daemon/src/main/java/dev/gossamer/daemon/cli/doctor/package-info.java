/** What is wrong with a machine or a pool's directory, found without a daemon, and what to do about it. */
package dev.gossamer.daemon.cli.doctor;
