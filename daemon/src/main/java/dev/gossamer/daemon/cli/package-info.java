/** The command line. Commands that talk to a running daemon load neither the storage engine nor Netty. */
package dev.gossamer.daemon.cli;
