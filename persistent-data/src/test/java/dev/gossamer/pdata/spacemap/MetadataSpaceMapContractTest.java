package dev.gossamer.pdata.spacemap;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.OutOfMetadataSpace;

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
}
