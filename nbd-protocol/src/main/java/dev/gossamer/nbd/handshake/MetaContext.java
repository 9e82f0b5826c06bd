package dev.gossamer.nbd.handshake;

/**
 * A metadata context a client selected: a kind of statement about blocks that it may ask for.
 *
 * @param id marks the context in replies on this connection; not 0
 * @param name canonical, such as {@code base:allocation}
 */
public record MetaContext(int id, String name) {}
