package dev.gossamer.thin.pool;

import dev.gossamer.io.StorageException;
import dev.gossamer.thin.VolumeSpec;
import dev.gossamer.thin.catalog.CatalogSlot;
import dev.gossamer.thin.catalog.ExternalOrigin;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * What the catalog says of volumes, compared with what can be said of any, and with each other. Clients are let in by
 * name: so a name that two volumes have is neither's, and one that the pool makes up is never another's. While a pool
 * is being opened; memory for each volume.
 */
final class SlotClaims {
    private final Map<Integer, String> damaged = new HashMap<>();
    private final Map<Integer, String> names = new HashMap<>();
    private final Map<String, Integer> holders = new HashMap<>();
    private final Set<String> disputed = new HashSet<>();
    private final Set<Integer> unnamed = new HashSet<>();

    /** Takes in the slot of a device, once; null: it has none. */
    void add(int id, CatalogSlot slot) {
        String wrong = slot == null ? null : whatIsWrong(slot);
        if (slot == null) {
            unnamed.add(id);
        } else if (wrong != null) {
            damaged.put(id, wrong + "; rename thin-" + id + ", and open the pool again");
        } else {
            names.put(id, slot.name());
            if (holders.putIfAbsent(slot.name(), id) != null) {
                disputed.add(slot.name());
            }
        }
    }

    private static String whatIsWrong(CatalogSlot slot) {
        if (!VolumeSpec.isPossibleSize(slot.sizeBytes())) {
            return "the catalog says that it has " + slot.sizeBytes() + " bytes";
        }
        if (!isOriginPossible(slot)) {
            return "the catalog says that its external origin has "
                    + slot.externalOrigin().sizeBytes() + " bytes";
        }
        try {
            VolumeSpec.checkName(slot.name());
            slot.limits().check();
            slot.rates().check();
            return null;
        } catch (StorageException e) {
            return "the catalog says of it what cannot be: " + e.getMessage();
        }
    }

    static boolean isOriginPossible(CatalogSlot slot) {
        ExternalOrigin origin = slot.externalOrigin();
        return origin == null || VolumeSpec.isPossibleSize(origin.sizeBytes());
    }

    /** Names that more than one volume has. After all have been taken in, as what follows. */
    Set<String> disputed() {
        return disputed;
    }

    /** Whether a device has a name that is its own. */
    boolean isNamed(int id) {
        return names.containsKey(id) && !disputed.contains(names.get(id));
    }

    /** What is wrong with what the catalog says of a device; null: nothing. */
    String damageOf(int id) {
        if (disputed.contains(names.get(id))) {
            return "the catalog calls another volume '" + names.get(id) + "' as well; rename thin-" + id
                    + " or the other, and open the pool again";
        }
        if (unnamed.contains(id) && holders.containsKey("thin-" + id)) {
            return "it has no name, and thin-" + id + " is what the catalog calls another volume; rename that one, and"
                    + " open the pool again";
        }
        return damaged.get(id);
    }
}
