/** The admin API, HTTP/1.1 and JSON on a Unix socket: what an operator asks of a running daemon. */
package dev.gossamer.daemon.admin;
