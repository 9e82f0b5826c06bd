package dev.gossamer.snapshot.copy;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.worker.WorkerIo;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Copies from the origin that are due, so many of them under way (rule S-O4). Worker's thread.
 *
 * <p>Waiting here holds nothing that a copy under way needs, so the queue always moves. It is as long as the chunks
 * that held writes wait for, which connections bound.
 */
public final class CopyQueue {
    /** As many as the worker has memory for, in pieces of a MiB; with the default chunk they take 1 MiB together. */
    private static final int MAX_UNDER_WAY = 64;

    private final WorkerIo io;
    private final BlockDevice origin;
    private final Runnable done = this::done;
    private final ArrayDeque<OriginCopy> due = new ArrayDeque<>();
    private int underWay;

    public CopyQueue(WorkerIo io, BlockDevice origin) {
        this.io = io;
        this.origin = origin;
    }

    /**
     * Adds chunks, largest first. Chunks of several snapshots that lie in each other are one copy: the origin is read
     * once for all of them (rule S-O3).
     */
    public void add(List<PendingRemap> chunks) {
        TreeMap<Long, OriginCopy> byStart = new TreeMap<>();
        for (PendingRemap chunk : chunks) {
            Map.Entry<Long, OriginCopy> before = byStart.floorEntry(chunk.originOffsetBytes());
            if (before != null && before.getValue().contains(chunk)) {
                before.getValue().addTarget(chunk);
            } else {
                byStart.put(chunk.originOffsetBytes(), new OriginCopy(io, origin, done, chunk));
            }
        }
        due.addAll(byStart.values());
        startSome();
    }

    private void done() {
        underWay--;
        startSome();
    }

    private void startSome() {
        while (underWay < MAX_UNDER_WAY && !due.isEmpty()) {
            underWay++;
            due.poll().start();
        }
    }
}
