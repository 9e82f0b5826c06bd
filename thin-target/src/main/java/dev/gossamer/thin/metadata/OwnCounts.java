package dev.gossamer.thin.metadata;

import java.util.HashMap;
import java.util.Map;

/**
 * The {@linkplain OwnBlocks own blocks} of all devices that somebody has asked for: 100 bytes or so each. Stays the
 * same object when a transaction is aborted; what it knew is forgotten then. Worker's thread.
 */
public final class OwnCounts {
    private final Map<Integer, OwnBlocks> byId = new HashMap<>();
    private Runnable whenForgotten = () -> {};

    OwnCounts() {}

    /** Metadata has been read anew. */
    void loadedAnew() {
        byId.values().forEach(OwnBlocks::forget);
        whenForgotten.run();
    }

    /** Who hears that a transaction was aborted, and all is to be counted anew. Set while the pool is put together. */
    public void whenForgotten(Runnable listener) {
        whenForgotten = listener;
    }

    /** A device's; nothing is known of it yet if this is the first time that it is asked for. */
    public OwnBlocks of(int id) {
        return byId.computeIfAbsent(id, its -> new OwnBlocks());
    }

    /** Nobody asks for a device's any more. */
    public void remove(int id) {
        byId.remove(id);
    }

    /** The device goes, unless this transaction is aborted. */
    void forget(int id) {
        OwnBlocks own = byId.get(id);
        if (own != null) {
            own.forget();
        }
    }

    /** The snapshotted time of a device has become the present one, and nothing is mapped since. */
    void none(int id) {
        of(id).are(0);
    }

    /** Whether a mapping is one of them. */
    static boolean isOwn(long packed, DeviceDetails details) {
        return Mapping.time(packed) >= details.snapshottedTime();
    }

    void inserted(int id, long virtualBlock, boolean replacesOwn) {
        OwnBlocks own = byId.get(id);
        if (own != null) {
            own.inserted(virtualBlock, replacesOwn);
        }
    }

    /** Below which virtual block a device's are counted; 0: nobody asks for them. */
    long counted(int id) {
        OwnBlocks own = byId.get(id);
        return own == null ? 0 : own.position();
    }

    void removed(int id, long number) {
        OwnBlocks own = byId.get(id);
        if (own != null) {
            own.removed(number);
        }
    }
}
