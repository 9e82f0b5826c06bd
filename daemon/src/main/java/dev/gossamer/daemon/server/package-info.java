/** The NBD server: listeners, and the connections that turn commands into block requests. */
package dev.gossamer.daemon.server;
