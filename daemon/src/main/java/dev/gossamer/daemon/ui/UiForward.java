package dev.gossamer.daemon.ui;

import dev.gossamer.daemon.admin.AdminClient;
import dev.gossamer.daemon.admin.FailureKind;
import dev.gossamer.io.Reason;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * Asks the daemon what the page wants to know, and for the changes that it offers; nothing else, whoever asks. A few
 * threads wait for the daemon, and no more requests than the queue holds wait for them. Any thread.
 */
final class UiForward implements AutoCloseable {
    /** What asks the daemon; {@link AdminClient#send} is. */
    interface Backend {
        AdminClient.Answer send(String method, String path, String body) throws IOException;
    }

    /** Threads: a page asks for three things at once. */
    private static final int THREADS = 4;

    /** Requests that wait; beyond that they are refused. */
    static final int QUEUE = 16;

    /** More than any of these answers, of at most 200 volumes or all that are connected. */
    private static final int ANSWER_LIMIT_CHARS = 4 << 20;

    private static final int END_SECONDS = 2;

    private static final int BAD_GATEWAY = 502;
    private static final int GATEWAY_TIMEOUT = 504;
    private static final int NOT_FOUND = 404;

    // What encodeURIComponent leaves as it is, and what it makes of the rest: no space, no line end, no slash.
    private static final String NAME = "[A-Za-z0-9._~!'()*%-]{1,400}";

    private record Rule(String method, Pattern path) {
        static Rule of(String method, String path) {
            return new Rule(method, Pattern.compile(path.replace("NAME", NAME)));
        }
    }

    private static final List<Rule> ALLOWED = List.of(
            Rule.of("GET", "/v1/(status|connections|capacity)"),
            Rule.of("GET", "/v1/volume-page\\?[A-Za-z0-9._~!'()*%&=-]{0,600}"),
            Rule.of("GET", "/v1/volumes/NAME(/space)?"),
            Rule.of("POST", "/v1/volumes"),
            Rule.of("POST", "/v1/volumes/NAME/(snapshots|rollback)"),
            Rule.of("PATCH", "/v1/volumes/NAME"),
            Rule.of("DELETE", "/v1/uuids/[0-9a-f-]{36}(\\?force=(true|false))?"));

    private final Backend backend;
    private final ThreadPoolExecutor threads = new ThreadPoolExecutor(
            THREADS,
            THREADS,
            1,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(QUEUE),
            Thread.ofPlatform().daemon().name("ui-", 0).factory());

    UiForward(Backend backend) {
        this.backend = backend;
    }

    /** Never completes exceptionally. */
    CompletableFuture<UiAnswer> ask(String method, String path, String body) {
        if (ALLOWED.stream()
                .noneMatch(rule -> rule.method().equals(method)
                        && rule.path().matcher(path).matches())) {
            return CompletableFuture.completedFuture(
                    UiAnswer.refusal(NOT_FOUND, FailureKind.NOT_THERE, "the page asks for no such thing"));
        }
        try {
            return CompletableFuture.supplyAsync(() -> exchange(method, path, body), threads);
        } catch (RejectedExecutionException e) {
            return CompletableFuture.completedFuture(UiAnswer.refusal(
                    UiAnswer.UNAVAILABLE, FailureKind.FAILED, "too many requests wait for the daemon; try again"));
        }
    }

    private UiAnswer exchange(String method, String path, String body) {
        try {
            AdminClient.Answer answer = backend.send(method, path, body);
            if (answer.body().length() > ANSWER_LIMIT_CHARS) {
                return UiAnswer.refusal(
                        BAD_GATEWAY, FailureKind.FAILED, "the daemon's answer is too long for the page");
            }
            return UiAnswer.json(answer.status(), answer.body());
        } catch (AdminClient.Silent e) {
            boolean reads = method.equals("GET");
            return UiAnswer.refusal(
                    GATEWAY_TIMEOUT,
                    FailureKind.NO_DAEMON,
                    "the daemon does not answer"
                            + (reads ? "" : "; it may still do what was asked: look before you" + " ask again"));
        } catch (IOException e) {
            return UiAnswer.refusal(
                    BAD_GATEWAY, FailureKind.NO_DAEMON, "no daemon serves the pool now: " + Reason.of(e));
        } catch (RuntimeException | Error e) {
            return UiAnswer.refusal(500, FailureKind.FAILED, "gossamer ui has failed: " + Reason.of(e));
        }
    }

    /** Whoever waits for the daemon is told, before what they would be told through is gone. */
    @Override
    public void close() {
        threads.shutdownNow();
        try {
            if (!threads.awaitTermination(END_SECONDS, TimeUnit.SECONDS)) {
                return; // they are no reason to stay
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
