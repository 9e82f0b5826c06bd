package dev.gossamer.io.worker;

/** What a worker has taken and answers when other work of it is done. Worker's thread. */
@FunctionalInterface
public interface Kept {
    /** That work will not be done: answers with EIO, once. */
    void end();
}
