package dev.gossamer.pdata.spacemap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.OutOfMetadataSpace;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class MetadataSpaceMapContractTest extends SpaceMapContract {
    MetadataSpaceMapContractTest() throws StorageException {}

    @Override
    SpaceMap map() {
        return pool.metadataMap;
    }

    @Override
    Class<? extends StorageException> outOfSpace() {
        return OutOfMetadataSpace.class;
    }

    @Test
    void aBlockThatWasFreeAtTheLastCommitCanBeAllocatedAgainAtOnce() throws Exception {
        long before = map().free();
        long block = map().blocks() / 2;
        map().increment(block);
        map().decrement(block);
        assertEquals(0, map().count(block));
        assertTrue(map().free() >= before - 4, () -> "free went from " + before + " to " + map().free());
        assertTrue(allocatesOneOf(Set.of(block)));
    }
}
