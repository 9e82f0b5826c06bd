package dev.gossamer.pdata.spacemap;

import dev.gossamer.io.sim.SimulatedDisk;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Consumer;
import java.util.zip.CRC32C;

/** Changes a metadata block behind everyone's back and makes its checksum right again. */
public final class SealedBlock {
    private SealedBlock() {}

    public static void edit(SimulatedDisk disk, long location, int salt, Consumer<ByteBuffer> change) {
        byte[] bytes = disk.readNow(location * 4096, 4096);
        ByteBuffer block = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        change.accept(block);
        CRC32C crc = new CRC32C();
        crc.update(bytes, 4, 4092);
        block.putInt(0, ~(int) crc.getValue() ^ salt);
        disk.writeNow(location * 4096, bytes);
    }
}
