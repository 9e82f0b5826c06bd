package dev.gossamer.io.posix;

import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.RequestQueue;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * The fdatasync(2) calls of one loop: at most one per file at a time. Who asks meanwhile waits, and all who wait share
 * the next one. With many clients that flush after each write, a disk does as many flushes as it can and no more.
 *
 * <p>A sync covers what had been written when it began, so a request never shares one that began before it came. If one
 * fails, those waiting fail with it: the kernel tells of a lost write once, and the next call would say that all is
 * well.
 *
 * <p>Confined to the loop. Never longer than the number of requests that connections may have under way.
 */
public final class SharedSyncs {
    /** Begins a call; it ends with {@link BlockRequest#complete}. */
    public interface Call {
        void begin(int fileDescriptor, BlockRequest request);
    }

    private static final class SyncedFile {
        final int descriptor;
        final RequestQueue sharing = new RequestQueue();
        final RequestQueue waiting = new RequestQueue();
        final BlockCompletion whenDone;
        final Consumer<BlockRequest> beginsNext;
        boolean underWay;

        SyncedFile(SharedSyncs syncs, int descriptor) {
            this.descriptor = descriptor;
            whenDone = (request, errno) -> syncs.done(this, request, errno);
            beginsNext = request -> syncs.begin(this, request);
        }
    }

    private final Call call;
    // One entry per descriptor that was ever synced here: a handful of devices.
    private final List<SyncedFile> files = new ArrayList<>();

    public SharedSyncs(Call call) {
        this.call = call;
    }

    /** Completes the request after a sync that begins now or later. */
    public void submit(int fileDescriptor, BlockRequest request) {
        SyncedFile file = file(fileDescriptor);
        if (file.underWay) {
            file.waiting.add(request);
        } else {
            begin(file, request);
        }
    }

    private void begin(SyncedFile file, BlockRequest request) {
        file.underWay = true;
        request.push(file.whenDone);
        call.begin(file.descriptor, request);
    }

    private void done(SyncedFile file, BlockRequest first, int errno) {
        BlockRequest shared = file.sharing.takeAll();
        BlockRequest failed = null;
        file.underWay = false;
        if (errno != Errno.OK) {
            failed = file.waiting.takeAll();
        }
        BlockRequest following = file.waiting.poll();
        if (following != null) {
            file.waiting.moveTo(file.sharing);
            following.guard(file.beginsNext);
        }
        first.complete(errno);
        completeAll(shared, errno);
        completeAll(failed, errno);
    }

    private static void completeAll(BlockRequest chain, int errno) {
        BlockRequest request = chain;
        while (request != null) {
            BlockRequest following = RequestQueue.unlink(request);
            request.complete(errno);
            request = following;
        }
    }

    private SyncedFile file(int descriptor) {
        for (int i = 0; i < files.size(); i++) {
            SyncedFile file = files.get(i);
            if (file.descriptor == descriptor) {
                return file;
            }
        }
        SyncedFile file = new SyncedFile(this, descriptor);
        files.add(file);
        return file;
    }
}
