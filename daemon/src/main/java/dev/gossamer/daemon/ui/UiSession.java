package dev.gossamer.daemon.ui;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Base64;
import java.util.function.LongSupplier;

/**
 * The one session of a {@code gossamer ui}: a token that opens it once, then two secrets of which each request needs
 * both (OP-37). The cookie no script can read, but browsers send it to every port of this machine, so also to another
 * user's server there; the key is kept by the page, which belongs to this port alone. Any thread.
 */
final class UiSession {
    /** Whom nobody uses for so long is over; so is a token that nobody has used. */
    static final Duration IDLE = Duration.ofMinutes(15);

    /** The longest that a session lasts, however much it is used. */
    static final Duration LONGEST = Duration.ofHours(12);

    /** 128 bits cannot be guessed. */
    private static final int SECRET_BYTES = 16;

    /** What a browser gets for the token. */
    record Secrets(String cookie, String key) {}

    private final LongSupplier nanoClock;
    private final long begunNanos;
    private final String token = secret();
    private final Secrets secrets = new Secrets(secret(), secret());
    // Below: guarded by this object's monitor.
    private boolean opened;
    private boolean over;
    private long usedNanos;

    /** @param nanoClock as {@link System#nanoTime} */
    UiSession(LongSupplier nanoClock) {
        this.nanoClock = nanoClock;
        this.begunNanos = nanoClock.getAsLong();
        this.usedNanos = begunNanos;
    }

    private static String secret() {
        byte[] bytes = new byte[SECRET_BYTES];
        new SecureRandom().nextBytes(bytes);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    /** Opens the session once. */
    String token() {
        return token;
    }

    /** What the token is exchanged for; null if it is wrong, or has been used. */
    synchronized Secrets open(String presented) {
        if (isOver() || opened || !same(token, presented)) {
            return null;
        }
        opened = true;
        usedNanos = nanoClock.getAsLong();
        return secrets;
    }

    /** Whether somebody has used the token. */
    synchronized boolean isOpened() {
        return opened;
    }

    /** Whether a request belongs to the session, which is used then. Each may be null. */
    synchronized boolean admits(String cookie, String key) {
        // Both are always compared: how long it takes tells nothing.
        boolean ours = same(secrets.cookie(), cookie);
        boolean ofThePage = same(secrets.key(), key);
        if (!opened || isOver() || !ours || !ofThePage) {
            return false;
        }
        usedNanos = nanoClock.getAsLong();
        return true;
    }

    synchronized void end() {
        over = true;
    }

    /** Whether nobody can use the session any more. */
    synchronized boolean isOver() {
        long now = nanoClock.getAsLong();
        over |= now - usedNanos > IDLE.toNanos() || now - begunNanos > LONGEST.toNanos();
        return over;
    }

    private static boolean same(String secret, String presented) {
        byte[] other = (presented == null ? "" : presented).getBytes(StandardCharsets.UTF_8);
        return MessageDigest.isEqual(secret.getBytes(StandardCharsets.UTF_8), other);
    }
}
