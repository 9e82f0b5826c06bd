/**
 * The command line, one class a group of commands. Everything runs on the program's main thread and may wait.
 * Commands that talk to a running daemon load neither the storage engine nor Netty; what a daemon does belongs
 * elsewhere.
 */
package dev.gossamer.daemon.cli;
