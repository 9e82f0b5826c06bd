package dev.gossamer.thin.metadata;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.btree.ValueType;
import dev.gossamer.pdata.spacemap.SpaceMap;
import java.util.function.IntSupplier;

/** The leaves of a device's tree hold {@link Mapping}s; each is one reference to its data block. */
record MappingValue(SpaceMap dataMap, IntSupplier poolTime) implements ValueType {
    @Override
    public int sizeBytes() {
        return Long.BYTES;
    }

    @Override
    public void check(long[] value) throws StorageException {
        long dataBlock = Mapping.dataBlock(value[0]);
        if (dataBlock >= dataMap.blocks()) {
            throw new MetadataCorrupt("a mapping leads to data block " + dataBlock + " of " + dataMap.blocks());
        }
        int time = Mapping.time(value[0]);
        if (time > poolTime.getAsInt()) {
            throw new MetadataCorrupt("a mapping is of time " + time + ", the pool of " + poolTime.getAsInt());
        }
    }

    @Override
    public void increment(long[] value) throws StorageException {
        dataMap.increment(Mapping.dataBlock(value[0]));
    }

    @Override
    public void decrement(long[] value) throws StorageException {
        dataMap.decrement(Mapping.dataBlock(value[0]));
    }

    /** The same data block, whatever the time. */
    @Override
    public boolean isEqual(long[] before, long[] after) {
        return Mapping.dataBlock(before[0]) == Mapping.dataBlock(after[0]);
    }
}
