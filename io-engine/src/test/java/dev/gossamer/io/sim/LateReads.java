package dev.gossamer.io.sim;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** A device whose reads of one kind fetch what is there at once, and are answered when the test says so. */
public final class LateReads extends ForwardingDevice {
    private record Answer(BlockRequest request, int errno) {}

    private final Predicate<BlockRequest> kind;
    private final List<Answer> answers = new ArrayList<>();
    private boolean holding;
    private int underWay;
    private int mostUnderWay;
    private long seen;
    private long others;

    /** Answers everything at once until {@link #hold}. */
    public LateReads(BlockDevice disk, Predicate<BlockRequest> kind) {
        super(disk);
        this.kind = kind;
    }

    public void hold() {
        holding = true;
    }

    /** From now on reads are answered at once; those held are still {@link #take the test's}. */
    public void answerAtOnce() {
        holding = false;
    }

    /** Reads of the kind that have been submitted so far. */
    public long seen() {
        return seen;
    }

    /** Other reads that have been submitted so far. */
    public long others() {
        return others;
    }

    /** The most reads of the kind that were under way at the same time. */
    public int mostUnderWay() {
        return mostUnderWay;
    }

    /** Answers that are held back. */
    public int held() {
        return answers.size();
    }

    /** Where one of those that are held back has read. */
    public long heldOffsetBytes(int index) {
        return answers.get(index).request.offsetBytes();
    }

    /** An answer, to be run on the loop of its request. */
    public Runnable take(int index) {
        Answer answer = answers.remove(index);
        return () -> answer.request.complete(answer.errno);
    }

    @Override
    public void submit(BlockRequest request) {
        if (request.operation() == BlockOperation.READ) {
            if (kind.test(request)) {
                seen++;
                underWay++;
                mostUnderWay = Math.max(mostUnderWay, underWay);
                request.push(this::read);
                request.push((done, errno) -> {
                    if (holding) {
                        answers.add(new Answer(done, errno));
                    } else {
                        done.complete(errno);
                    }
                });
            } else {
                others++;
            }
        }
        below.submit(request);
    }

    private void read(BlockRequest request, int errno) {
        underWay--;
        request.complete(errno);
    }
}
