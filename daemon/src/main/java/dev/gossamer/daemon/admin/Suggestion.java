package dev.gossamer.daemon.admin;

/** "Did you mean": the name that somebody who mistyped may have had in mind. */
public final class Suggestion {
    /** Looks at no more names than this: a refusal must stay cheap. */
    private static final int LIMIT_NAMES = 2_000;

    /** Longer texts are no slips of the finger. */
    private static final int LIMIT_CHARS = 128;

    private Suggestion() {}

    /** {@code "; did you mean NAME?"}, or nothing if no name is near. */
    public static String phrase(String typed, Iterable<String> names) {
        String nearest = nearest(typed, names);
        return nearest == null ? "" : "; did you mean " + nearest + "?";
    }

    /** The nearest name, at most a third of the letters away; null if there is none. */
    static String nearest(String typed, Iterable<String> names) {
        if (typed.length() > LIMIT_CHARS) {
            return null;
        }
        String nearest = null;
        int least = Math.max(1, typed.length() / 3) + 1;
        int looked = 0;
        for (String name : names) {
            if (++looked > LIMIT_NAMES) {
                break;
            }
            if (Math.abs(name.length() - typed.length()) < least) {
                int distance = distance(typed, name);
                if (distance < least) {
                    least = distance;
                    nearest = name;
                }
            }
        }
        return nearest;
    }

    /** Letters to insert, delete or replace, and neighbours to exchange. */
    static int distance(String from, String to) {
        int[] before = new int[to.length() + 1];
        int[] last = new int[to.length() + 1];
        for (int j = 0; j <= to.length(); j++) {
            last[j] = j;
        }
        for (int i = 1; i <= from.length(); i++) {
            int[] now = new int[to.length() + 1];
            now[0] = i;
            for (int j = 1; j <= to.length(); j++) {
                int replaced = last[j - 1] + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
                now[j] = Math.min(replaced, Math.min(last[j], now[j - 1]) + 1);
                boolean exchanged = i > 1
                        && j > 1
                        && from.charAt(i - 1) == to.charAt(j - 2)
                        && from.charAt(i - 2) == to.charAt(j - 1);
                if (exchanged) {
                    now[j] = Math.min(now[j], before[j - 2] + 1);
                }
            }
            before = last;
            last = now;
        }
        return last[to.length()];
    }
}
