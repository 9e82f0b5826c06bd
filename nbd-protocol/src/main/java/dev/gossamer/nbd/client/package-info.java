/**
 * The client's side of the protocol: handshake, requests out, replies in. It believes nothing a server says
 * unchecked, and belongs to the event loop of its connection. How often to try, and what to repeat, is for who uses
 * it.
 */
package dev.gossamer.nbd.client;
