/**
 * What is wrong with a machine or a pool's directory, found without a daemon, and what to do about it. The program's
 * main thread, which may wait; nothing is changed. A new thing that goes wrong in the field gets a checkup here.
 */
package dev.gossamer.daemon.cli.doctor;
