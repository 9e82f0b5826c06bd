package dev.gossamer.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.thin.DiscardMode;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.PoolStatus;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class LatestStatusTest {
    private static final long SHORT_MILLIS = 20;
    private static final long LONG_MILLIS = 50_000;

    private final PoolStatus first = status(1);
    private final List<CompletableFuture<PoolStatus>> questions = new ArrayList<>();

    private static PoolStatus status(int volumes) {
        return new PoolStatus(
                PoolMode.WRITE, "", false, 65536, 10, 1, 10, 1, 0, 0, 0, volumes, null, 0, 0, DiscardMode.IGNORE);
    }

    private LatestStatus latest(long patienceMillis) {
        Supplier<CompletableFuture<PoolStatus>> pool = () -> {
            CompletableFuture<PoolStatus> question = new CompletableFuture<>();
            questions.add(question);
            return question;
        };
        return new LatestStatus(pool, first, patienceMillis);
    }

    @Test
    void whatThePoolTellsIsFreshForAllWhoHaveAsked() {
        LatestStatus latest = latest(LONG_MILLIS);
        CompletableFuture<LatestStatus.Known> one = latest.ask();
        CompletableFuture<LatestStatus.Known> other = latest.ask();
        assertEquals(1, questions.size(), "one question is under way at a time");
        assertFalse(one.isDone());
        PoolStatus told = status(2);
        questions.getFirst().complete(told);
        assertTrue(one.join().fresh() && other.join().fresh());
        assertSame(told, one.join().status());
        assertSame(told, latest.latest());
        assertFalse(latest.ask().isDone());
        assertEquals(2, questions.size(), "whoever comes later asks anew");
    }

    @Test
    void aPoolThatWaitsIsWhatWasKnownLast() throws Exception {
        LatestStatus latest = latest(SHORT_MILLIS);
        LatestStatus.Known known = latest.ask().join();
        assertFalse(known.fresh());
        assertSame(first, known.status());
        assertFalse(latest.ask().join().fresh());
        assertEquals(1, questions.size(), "the pool has the first question still");
        PoolStatus told = status(2);
        questions.getFirst().complete(told);
        assertSame(told, latest.latest(), "told late, and known from then on");
        CompletableFuture<LatestStatus.Known> again = latest.ask();
        questions.getLast().complete(status(3));
        assertTrue(again.join().fresh());
    }

    /** Monitoring goes on asking for as long as a device is away, which may be days. */
    @Test
    void whoHasBeenAnsweredIsForgottenThoughThePoolStillWaits() throws Exception {
        LatestStatus latest = latest(SHORT_MILLIS);
        List<CompletableFuture<LatestStatus.Known>> asked = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            asked.add(latest.ask());
        }
        asked.forEach(CompletableFuture::join);
        while (latest.asking() > 0) {
            TimeUnit.MILLISECONDS.sleep(1);
        }
        assertEquals(1, questions.size());
        assertEquals(0, questions.getFirst().getNumberOfDependents() - 1, "the pool's answer has one taker");
    }

    @Test
    void aQuestionThatFailsIsNotRemembered() {
        LatestStatus latest = latest(LONG_MILLIS);
        CompletableFuture<LatestStatus.Known> failed = latest.ask();
        questions.getFirst().completeExceptionally(new IllegalStateException("closed"));
        CompletionException why = assertThrows(CompletionException.class, failed::join);
        assertEquals("closed", why.getCause().getMessage());
        assertSame(first, latest.latest());
        CompletableFuture<LatestStatus.Known> next = latest.ask();
        questions.getLast().complete(status(2));
        assertTrue(next.join().fresh());
    }

    @Test
    void aPoolThatThrowsFailsThoseWhoAskAndIsAskedAgain() {
        int[] asked = {0};
        LatestStatus latest = new LatestStatus(
                () -> {
                    asked[0]++;
                    throw new IllegalStateException("no more");
                },
                first,
                LONG_MILLIS);
        assertThrows(CompletionException.class, () -> latest.ask().join());
        assertThrows(CompletionException.class, () -> latest.ask().join());
        assertEquals(2, asked[0]);
        assertEquals(0, latest.asking());
    }
}
