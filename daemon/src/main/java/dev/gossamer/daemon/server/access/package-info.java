/**
 * Who may come in, and as whom: rules, peers, certificates, the limits of handshakes and connections. Policies are
 * immutable values that a reload exchanges; the rest may be called from any thread. Nothing here knows of commands or
 * devices.
 */
package dev.gossamer.daemon.server.access;
