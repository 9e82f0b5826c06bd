/**
 * What is read from and written to the files of a pool's directory, and the one strict reader of YAML. Values are
 * immutable; reading and writing block, so they happen on no loop. A rule about a single file or value comes in here,
 * nothing that opens a device.
 */
package dev.gossamer.daemon.config;
