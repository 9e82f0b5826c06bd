package dev.gossamer.daemon.cow;

import dev.gossamer.snapshot.StoreFullAction;
import dev.gossamer.snapshot.StoreType;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** How types of stores and policies are written in files, options and JSON. */
public final class CowWords {
    private static final String INVALIDATE = "invalidate";
    private static final String FAIL_WRITES = "fail-writes";

    private CowWords() {}

    public static String of(StoreType type) {
        return type.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** Throws {@link IllegalArgumentException} naming the words there are. */
    public static StoreType storeType(String word) {
        return Arrays.stream(StoreType.values())
                .filter(type -> of(type).equals(word))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("'" + word + "' is no type of store; there are "
                        + Arrays.stream(StoreType.values()).map(CowWords::of).collect(Collectors.joining(", "))));
    }

    public static String of(StoreFullAction action) {
        return action == StoreFullAction.INVALIDATE_SNAPSHOT ? INVALIDATE : FAIL_WRITES;
    }

    /** Throws {@link IllegalArgumentException} naming the words there are. */
    public static StoreFullAction fullAction(String word) {
        return switch (word) {
            case INVALIDATE -> StoreFullAction.INVALIDATE_SNAPSHOT;
            case FAIL_WRITES -> StoreFullAction.FAIL_WRITES;
            default -> throw new IllegalArgumentException(
                    "'" + word + "' is neither " + INVALIDATE + " nor " + FAIL_WRITES);
        };
    }

    static String of(RecordedSnapshot.State state) {
        return state.name().toLowerCase(Locale.ROOT);
    }

    /** Throws {@link IllegalArgumentException} naming the words there are. */
    static RecordedSnapshot.State state(String word) {
        return Arrays.stream(RecordedSnapshot.State.values())
                .filter(state -> of(state).equals(word))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("'state' cannot be '" + word + "'; there are "
                        + Arrays.stream(RecordedSnapshot.State.values())
                                .map(CowWords::of)
                                .collect(Collectors.joining(", "))));
    }
}
