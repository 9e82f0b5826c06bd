package dev.gossamer.daemon.cow;

import java.util.ArrayList;
import java.util.List;

/**
 * Which origins and snapshots a daemon serves: what {@code cow.yaml} says. Immutable.
 *
 * @param origins in the order of their making
 */
record CowConfig(List<Origin> origins) {
    static final CowConfig EMPTY = new CowConfig(List.of());

    CowConfig {
        origins = List.copyOf(origins);
    }

    /**
     * A device that has, or may have, snapshots.
     *
     * @param name of the export
     * @param device an absolute path, or the URI of an NBD export
     * @param identity what {@link dev.gossamer.io.StorageIdentity} found there; empty if it was never looked at
     */
    record Origin(String name, String device, String identity, List<RecordedSnapshot> snapshots) {
        Origin {
            snapshots = List.copyOf(snapshots);
        }

        /** The snapshot of that name; null if there is none. */
        RecordedSnapshot snapshot(String snapshot) {
            return snapshots.stream()
                    .filter(each -> each.name().equals(snapshot))
                    .findFirst()
                    .orElse(null);
        }

        /** The same with a snapshot added, or put in the place of the one of its name. */
        Origin with(RecordedSnapshot snapshot) {
            List<RecordedSnapshot> all = new ArrayList<>(snapshots);
            all.removeIf(each -> each.name().equals(snapshot.name()));
            all.add(snapshot);
            return new Origin(name, device, identity, all);
        }

        Origin withIdentity(String newIdentity) {
            return new Origin(name, device, newIdentity, snapshots);
        }

        Origin without(String snapshot) {
            return new Origin(
                    name,
                    device,
                    identity,
                    snapshots.stream()
                            .filter(each -> !each.name().equals(snapshot))
                            .toList());
        }
    }

    /** The same with an origin added, or put in the place of the one of its name. */
    CowConfig with(Origin origin) {
        List<Origin> all = new ArrayList<>(origins);
        int at = all.indexOf(origin(origin.name()));
        if (at < 0) {
            all.add(origin);
        } else {
            all.set(at, origin);
        }
        return new CowConfig(all);
    }

    CowConfig without(String origin) {
        return new CowConfig(
                origins.stream().filter(each -> !each.name().equals(origin)).toList());
    }

    /** The origin of that name; null if there is none. */
    Origin origin(String name) {
        return origins.stream()
                .filter(each -> each.name().equals(name))
                .findFirst()
                .orElse(null);
    }
}
