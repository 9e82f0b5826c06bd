package dev.gossamer.pdata.check;

import dev.gossamer.pdata.scan.PackedCounts;
import java.util.List;

/**
 * What a check has found.
 *
 * @param damage everything that is wrong, as much as anybody wants to know
 * @param devices of the live trees, or of the held ones if those were checked, by id
 * @param complete whether everything could be reached: the counts mean nothing otherwise
 * @param maxTime the latest time of a mapping; -1: there is none
 * @param dataReferences references to data blocks
 * @param metadataReferences references to metadata blocks
 */
public record CheckResult(
        List<Damage> damage,
        List<DeviceSum> devices,
        boolean complete,
        int maxTime,
        PackedCounts dataReferences,
        PackedCounts metadataReferences) {
    public CheckResult {
        damage = List.copyOf(damage);
        devices = List.copyOf(devices);
    }

    /** The worst of what was found; null: nothing was. */
    public Damage.Severity worst() {
        return damage.stream()
                .map(Damage::severity)
                .max(java.util.Comparator.naturalOrder())
                .orElse(null);
    }
}
