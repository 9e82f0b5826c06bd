package dev.gossamer.pdata.spacemap;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.OutOfDataSpace;

final class DiskSpaceMapContractTest extends SpaceMapContract {
    DiskSpaceMapContractTest() throws StorageException {}

    @Override
    SpaceMap map() {
        return pool.dataMap;
    }

    @Override
    Class<? extends StorageException> outOfSpace() {
        return OutOfDataSpace.class;
    }
}
