package dev.gossamer.io.posix;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.FileEngine;

/** System calls on the calling thread, for a loop whose thread may wait: {@link dev.gossamer.io.InlineLoop}. */
public final class InlineFileEngine implements FileEngine {
    @Override
    public void submit(FileAction action, int fileDescriptor, BlockRequest request) {
        request.complete(FileCalls.run(action, fileDescriptor, request));
    }

    @Override
    public String name() {
        return "inline";
    }
}
