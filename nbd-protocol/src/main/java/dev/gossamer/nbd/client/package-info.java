/** The client's side of the protocol: handshake, requests out, replies in. It believes nothing a server says unchecked. */
package dev.gossamer.nbd.client;
