package dev.gossamer.thin.pool;

import dev.gossamer.thin.StatusContext;
import dev.gossamer.thin.StatusKind;
import dev.gossamer.thin.device.PoolDevices;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.status.Lineage;
import java.util.ArrayList;
import java.util.List;

/**
 * The NBD metadata contexts of a pool's volumes: which there are, and what each one asks (NBD section 3).
 *
 * <pre>
 *  base:allocation                  {@link StatusKind#ALLOCATION}
 *  qemu:allocation-depth            {@link StatusKind#DEPTH}
 *  x-thin:shared                    {@link StatusKind#SHARED}
 *  qemu:dirty-bitmap:NAME           {@link StatusKind#CHANGED_SINCE} the volume NAME, or #ID
 *  x-thin:changed:NAME              the same under a name of our own
 * </pre>
 *
 * NAME is any other volume of the same lineage: made, by however many steps, from the same first volume. Any thread.
 */
public final class StatusContexts {
    /** Names listed of one kind of difference; if there are more, the prefix stands for the rest (M8). */
    public static final int MAX_LISTED = 256;

    private static final String ALLOCATION = "base:allocation";
    private static final String DEPTH = "qemu:allocation-depth";
    private static final String SHARED = "x-thin:shared";
    private static final String DIRTY_BITMAP = "qemu:dirty-bitmap:";
    private static final String CHANGED = "x-thin:changed:";

    private final PoolDevices devices;

    StatusContexts(PoolDevices devices) {
        this.devices = devices;
    }

    /**
     * The names that a query stands for: all for an empty one, all that begin like it for one that ends with a colon,
     * otherwise the name itself if it exists. Empty for an unknown volume.
     */
    public List<String> list(String volumeName, String query) {
        ThinDevice device = devices.named(volumeName);
        if (device == null) {
            return List.of();
        }
        if (!query.isEmpty() && !query.endsWith(":")) {
            return exists(device, query) ? List.of(query) : List.of();
        }
        List<String> names = new ArrayList<>();
        for (String name : List.of(ALLOCATION, DEPTH, SHARED)) {
            if (name.startsWith(query)) {
                names.add(name);
            }
        }
        for (String prefix : List.of(DIRTY_BITMAP, CHANGED)) {
            if (prefix.startsWith(query)) {
                addBases(names, prefix, device);
            }
        }
        return names;
    }

    /**
     * Selects a context by its exact name. Null if there is none of that name: also if the base has been deleted, so
     * that the client misses the context and makes a full backup.
     */
    public StatusContext resolve(String volumeName, String name) {
        ThinDevice device = devices.named(volumeName);
        if (device == null) {
            return null;
        }
        StatusKind plain = plainKind(name);
        if (plain != null) {
            return new StatusContext(name, plain, device.id(), null);
        }
        ThinDevice base = base(device, name);
        return base != null && base.openAsBase()
                ? new StatusContext(name, StatusKind.CHANGED_SINCE, device.id(), base)
                : null;
    }

    private boolean exists(ThinDevice device, String name) {
        return plainKind(name) != null || base(device, name) != null;
    }

    private void addBases(List<String> names, String prefix, ThinDevice device) {
        Lineage lineage = new Lineage(devices, device);
        int listed = 0;
        for (ThinDevice other : devices.all()) {
            if (lineage.includes(other)) {
                if (listed++ == MAX_LISTED) {
                    names.add(prefix);
                    return;
                }
                names.add(prefix + other.name());
            }
        }
    }

    private static StatusKind plainKind(String name) {
        return switch (name) {
            case ALLOCATION -> StatusKind.ALLOCATION;
            case DEPTH -> StatusKind.DEPTH;
            case SHARED -> StatusKind.SHARED;
            default -> null;
        };
    }

    /** The volume that a context's name refers to, or null. */
    private ThinDevice base(ThinDevice device, String name) {
        String baseName;
        if (name.startsWith(DIRTY_BITMAP)) {
            baseName = name.substring(DIRTY_BITMAP.length());
        } else if (name.startsWith(CHANGED)) {
            baseName = name.substring(CHANGED.length());
        } else {
            return null;
        }
        // No volume's name begins with #.
        ThinDevice base = baseName.startsWith("#") ? numbered(baseName.substring(1)) : devices.named(baseName);
        return base != null && new Lineage(devices, device).includes(base) ? base : null;
    }

    private ThinDevice numbered(String digits) {
        try {
            return devices.withId(Integer.parseUnsignedInt(digits));
        } catch (NumberFormatException e) {
            return null;
        }
    }
}
