package dev.gossamer.daemon.server.connection;

/** The commands of a loop's connections: how many are under way, and how many ever began. Confined to the loop. */
final class CommandCount {
    private int underWay;
    private long begun;

    void change(int by) {
        underWay += by;
        begun += Math.max(by, 0);
    }

    int underWay() {
        return underWay;
    }

    long begun() {
        return begun;
    }
}
