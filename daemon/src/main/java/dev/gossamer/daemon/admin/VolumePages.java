package dev.gossamer.daemon.admin;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gossamer.thin.VolumeInfo;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * A part of the list of volumes, for those who show it: ten thousand volumes are some megabytes of JSON, a page of them
 * is not.
 *
 * <pre>
 *  GET    /v1/volume-page?search=TEXT&amp;origin=none|ID&amp;sort=name|mapped|size&amp;offset=N&amp;limit=N
 *         {matching, volumes: [{..., originName, snapshots}]}
 * </pre>
 *
 * {@code origin=none} are those that are snapshots of no volume that is still there.
 */
final class VolumePages {
    /** Volumes of one answer. */
    static final int MOST = 200;

    private static final int USUAL = 50;
    private static final String NO_ORIGIN = "none";
    /** Of the route. */
    static final List<String> PARAMETERS = List.of("search", "origin", "sort", "offset", "limit");

    private static final Comparator<VolumeInfo> BY_NAME = Comparator.comparing(VolumeInfo::name);
    private static final Map<String, Comparator<VolumeInfo>> ORDERS = Map.of(
            "name", BY_NAME,
            "mapped",
                    Comparator.comparingLong(VolumeInfo::mappedBytes).reversed().thenComparing(BY_NAME),
            "size", Comparator.comparingLong(VolumeInfo::sizeBytes).reversed().thenComparing(BY_NAME));

    /** What is wanted; origin is null for all, -1 for volumes of their own. */
    private record Query(String search, Integer origin, Comparator<VolumeInfo> order, int offset, int limit) {}

    private final Query query;

    /** Refuses values that it does not understand; of the names only {@link #PARAMETERS} can be there. */
    VolumePages(Map<String, String> given) {
        String origin = given.getOrDefault("origin", "");
        Comparator<VolumeInfo> order = ORDERS.get(given.getOrDefault("sort", "name"));
        if (order == null) {
            throw badRequest("'sort' is name, mapped or size");
        }
        query = new Query(
                given.getOrDefault("search", "").toLowerCase(Locale.ROOT),
                origin.isEmpty() ? null : origin.equals(NO_ORIGIN) ? -1 : number(given, "origin", 0),
                order,
                number(given, "offset", 0),
                Math.min(MOST, number(given, "limit", USUAL)));
    }

    /** The page as of now. */
    ObjectNode of(List<VolumeInfo> all) {
        Map<Integer, Integer> snapshots = new HashMap<>(2 * all.size());
        Map<Integer, String> names = new HashMap<>(2 * all.size());
        all.forEach(volume -> snapshots.put(volume.id(), 0));
        all.forEach(volume -> names.put(volume.id(), volume.name()));
        // Only of those that are there: an id may be another volume's later, but not at the same time.
        all.forEach(volume -> snapshots.computeIfPresent(volume.originId(), (id, count) -> count + 1));
        Predicate<VolumeInfo> wanted =
                volume -> volume.name().toLowerCase(Locale.ROOT).contains(query.search())
                        && (query.origin() == null || query.origin() == originOf(volume, snapshots));
        List<VolumeInfo> matching =
                all.stream().filter(wanted).sorted(query.order()).collect(Collectors.toList());
        ObjectNode page = JsonNodeFactory.instance.objectNode().put("matching", matching.size());
        ArrayNode volumes = page.putArray("volumes");
        matching.stream()
                .skip(query.offset())
                .limit(query.limit())
                .forEach(volume -> volumes.add(AdminJson.volume(volume)
                        .put("originName", names.get(volume.originId()))
                        .put("snapshots", snapshots.get(volume.id()))));
        return page;
    }

    private static int originOf(VolumeInfo volume, Map<Integer, Integer> present) {
        return present.containsKey(volume.originId()) ? volume.originId() : -1;
    }

    private static int number(Map<String, String> given, String name, int otherwise) {
        String text = given.getOrDefault(name, Integer.toString(otherwise));
        if (!text.matches("[0-9]{1,9}")) {
            throw badRequest("'" + name + "' must be a whole number below 10^9, not negative");
        }
        return Integer.parseInt(text);
    }

    private static AdminRefusal badRequest(String message) {
        return new AdminRefusal(AdminRefusal.BAD_REQUEST, message);
    }
}
