package dev.gossamer.daemon.server.connection;

/**
 * What stands in a line, linked through itself, so that nothing here takes memory or can fail. A member stands in one
 * chain at a time. Confined to the loop.
 */
final class Chain<E extends Chain.Member<E>> {
    /** What can stand in a chain. */
    abstract static class Member<E> {
        private E next;
    }

    private E first;
    private E last;

    boolean isEmpty() {
        return first == null;
    }

    void add(E member) {
        linkOf(member).next = null;
        if (first == null) {
            first = member;
        } else {
            linkOf(last).next = member;
        }
        last = member;
    }

    /** Ahead of all others. */
    void addFirst(E member) {
        linkOf(member).next = first;
        if (first == null) {
            last = member;
        }
        first = member;
    }

    /** The first, of a chain that is not empty. */
    E remove() {
        E member = first;
        first = linkOf(member).next;
        linkOf(member).next = null;
        return member;
    }

    private static <M extends Member<M>> Member<M> linkOf(M member) {
        return member;
    }
}
