package dev.gossamer.io.posix;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.FileEngine;
import dev.gossamer.io.StallLook;

/** System calls on the calling thread, for a loop whose thread may wait: {@link dev.gossamer.io.InlineLoop}. */
public final class InlineFileEngine implements FileEngine {
    private static final int NONE = -1;

    // Number of actions so far; written before the other, so that whoever looks can tell one action from the next.
    private int begun;
    // Of the action under way. Written by the thread that waits, read by whoever looks.
    private volatile int underWay = NONE;
    // Confined to whoever looks: the action that it saw last, and in which look first.
    private int seen;
    private int firstLook;

    @Override
    public void submit(FileAction action, int fileDescriptor, BlockRequest request) {
        begun++;
        underWay = fileDescriptor;
        request.taken(); // who knows how far a call has come that throws
        int errno;
        try {
            errno = FileCalls.run(action, fileDescriptor, request);
        } catch (Throwable fault) {
            request.loop().faults().caught(fault);
            errno = Errno.EIO;
        } finally {
            underWay = NONE;
        }
        request.complete(errno);
    }

    @Override
    public void show(StallLook look) {
        int file = underWay;
        int number = begun;
        if (file == NONE) {
            return;
        }
        firstLook = look.sees(file, number == seen ? firstLook : StallLook.UNSEEN);
        seen = number;
    }

    @Override
    public String name() {
        return "inline";
    }
}
