package dev.gossamer.io;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class RequestStagesTest {
    private final RequestStages stages = new RequestStages();

    @Test
    void timeIsChargedToTheStageThatARequestIsIn() {
        stages.begin(100);
        stages.enter(RequestStages.ORDER, 110);
        stages.enter(RequestStages.WORKER, 130);
        stages.leave(160);
        stages.enter(RequestStages.WORKER, 200);
        stages.leave(201);
        stages.leave(500);
        stages.enter(RequestStages.COMMIT, 600);
        stages.leave(607);
        assertEquals(20, stages.nanos(RequestStages.ORDER));
        assertEquals(31, stages.nanos(RequestStages.WORKER));
        assertEquals(7, stages.nanos(RequestStages.COMMIT));
        assertEquals(900, stages.totalNanos(1000));
    }

    @Test
    void theNextRequestBeginsAnew() {
        stages.begin(0);
        stages.enter(RequestStages.COMMIT, 1);
        stages.begin(50);
        stages.leave(60);
        assertEquals(0, stages.nanos(RequestStages.COMMIT));
        assertEquals(10, stages.totalNanos(60));
    }

    @Test
    void partsThatWaitSideBySideCountOnce() {
        stages.begin(0);
        for (int nanos : new int[] {5, 9, 7}) {
            RequestStages part = new RequestStages();
            part.enter(RequestStages.WORKER, 0);
            part.leave(nanos);
            stages.absorb(part);
        }
        assertEquals(9, stages.nanos(RequestStages.WORKER));
    }
}
