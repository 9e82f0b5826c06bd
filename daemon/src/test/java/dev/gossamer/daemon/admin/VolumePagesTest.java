package dev.gossamer.daemon.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gossamer.io.rate.IoRates;
import dev.gossamer.io.rate.RateWaits;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.VolumeLimits;
import io.netty.handler.codec.http.QueryStringDecoder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Pages of a list of ten thousand volumes. */
class VolumePagesTest {
    private final List<VolumeInfo> all = new ArrayList<>();

    private void add(String name, int origin, long size, long mapped) {
        all.add(new VolumeInfo(
                all.size(),
                new UUID(0, all.size()),
                name,
                size,
                mapped,
                mapped,
                0,
                false,
                origin,
                null,
                0,
                VolumeLimits.NONE,
                IoRates.NONE,
                RateWaits.NONE,
                null,
                null,
                null));
    }

    private JsonNode page(String query) {
        Map<String, String> given = new HashMap<>();
        new QueryStringDecoder(query).parameters().forEach((name, values) -> given.put(name, values.getFirst()));
        return new VolumePages(given).of(all);
    }

    private static List<String> names(JsonNode page) {
        return StreamSupport.stream(page.path("volumes").spliterator(), false)
                .map(volume -> volume.path("name").asText())
                .toList();
    }

    @Test
    void tenThousandVolumesAreSeenInParts() {
        for (int i = 0; i < 10_000; i++) {
            add("vm%05d".formatted(9_999 - i), -1, i, i % 100);
        }
        JsonNode first = page("");
        assertEquals(10_000, first.path("matching").asInt());
        assertEquals(50, first.path("volumes").size());
        assertEquals("vm00000", names(first).getFirst());
        assertEquals(List.of("vm09998", "vm09999"), names(page("?offset=9998&limit=50")));
        assertEquals(List.of(), names(page("?offset=10000")));
        assertEquals(VolumePages.MOST, page("?limit=999999999").path("volumes").size(), "bounded");
        assertEquals(List.of("vm01230", "vm01231"), names(page("?search=VM0123&limit=2")), "letters' cases are one");
        assertEquals(10, page("?search=vm0123").path("matching").asInt());
        assertEquals(List.of("vm00000"), names(page("?sort=size&limit=1")));
        assertEquals(List.of("vm00000", "vm00100"), names(page("?sort=mapped&limit=2")), "then by name");
        assertTrue(first.toString().length() < 50_000, "a page is small");
    }

    @Test
    void snapshotsAreBelowTheirOrigins() {
        add("web", -1, 1, 1);
        add("monday", 0, 1, 1);
        add("tuesday", 0, 1, 1);
        add("copy", 1, 1, 1);
        add("orphan", 77, 1, 1);
        JsonNode roots = page("?origin=none");
        assertEquals(List.of("orphan", "web"), names(roots));
        assertEquals(2, roots.path("volumes").path(1).path("snapshots").asInt());
        assertEquals(List.of("monday", "tuesday"), names(page("?origin=0")));
        JsonNode copy = page("?origin=1").path("volumes").path(0);
        assertEquals("copy", copy.path("name").asText());
        assertEquals("monday", copy.path("originName").asText());
        assertTrue(roots.path("volumes").path(0).path("originName").isNull(), "it is gone");
        assertEquals(List.of("tuesday"), names(page("?origin=0&search=tue")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"?limit=-1", "?limit=x", "?offset=9999999999", "?sort=x", "?origin=x", "?limit="})
    void whatCannotBeMeantIsRefused(String query) {
        assertEquals(400, assertThrows(AdminRefusal.class, () -> page(query)).status());
    }
}
