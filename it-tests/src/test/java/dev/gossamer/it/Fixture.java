package dev.gossamer.it;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import javax.xml.stream.XMLStreamException;

/** One folder of metadata that a real kernel wrote, with what is known about it; see {@code fixtures/README.md}. */
record Fixture(Path folder) {
    private static final int CHUNK_BYTES = 64 * 1024;

    /** All thin pools: the folders whose names begin with a digit. */
    static Stream<Fixture> thinPools() throws IOException {
        try (Stream<Path> folders = Files.list(Path.of(System.getProperty("gossamer.fixtures")))) {
            List<Path> pools = folders.filter(
                            folder -> folder.getFileName().toString().matches("\\d.*"))
                    .sorted()
                    .toList();
            return pools.stream().map(Fixture::new);
        }
    }

    JsonNode expected() {
        try {
            return new ObjectMapper().readTree(folder.resolve("expected.json").toFile());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The mappings: device id to virtual block to data block. */
    Map<Long, Map<Long, Long>> mappings() throws IOException, XMLStreamException {
        try (InputStream xml = open("dump.xml.gz")) {
            return ThinDump.parse(xml);
        }
    }

    int blockBytes() {
        return expected().path("data_block_sectors").asInt() * 512;
    }

    boolean hasDataImage() {
        return Files.exists(folder.resolve("data.img.gz"));
    }

    Path unpackMetadata(Path target) throws IOException {
        return unpack("meta.img.gz", target);
    }

    /**
     * The data device: the image, where there is one; else a sparse file in which every mapped data block begins and
     * ends with {@link #mark}, so that a read shows which data block it came from.
     */
    Path unpackData(Path target) throws IOException, XMLStreamException {
        if (hasDataImage()) {
            return unpack("data.img.gz", target);
        }
        try (FileChannel channel = create(target, expected().path("data_bytes").asLong())) {
            for (Map<Long, Long> device : mappings().values()) {
                for (long dataBlock : device.values()) {
                    RandomImage.writeFully(channel, mark(dataBlock), dataBlock * blockBytes());
                    RandomImage.writeFully(channel, mark(dataBlock), (dataBlock + 1) * blockBytes() - 512);
                }
            }
        }
        return target;
    }

    /** A sector that names a data block. */
    static byte[] mark(long dataBlock) {
        ByteBuffer sector = ByteBuffer.allocate(512);
        while (sector.hasRemaining()) {
            sector.putLong(dataBlock + 1); // never zero
        }
        return sector.array();
    }

    private Path unpack(String name, Path target) throws IOException {
        try (InputStream bytes = open(name);
                FileChannel channel = create(target, 0)) {
            long offset = 0;
            byte[] chunk = bytes.readNBytes(CHUNK_BYTES);
            while (chunk.length > 0) {
                if (!isZero(chunk)) {
                    RandomImage.writeFully(channel, chunk, offset);
                }
                offset += chunk.length;
                chunk = bytes.readNBytes(CHUNK_BYTES);
            }
            extend(channel, offset);
        }
        return target;
    }

    private static FileChannel create(Path target, long sizeBytes) throws IOException {
        FileChannel channel = FileChannel.open(
                target, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE);
        extend(channel, sizeBytes);
        return channel;
    }

    /** Makes the file this long, with a hole at the end. */
    private static void extend(FileChannel channel, long sizeBytes) throws IOException {
        if (channel.size() < sizeBytes) {
            channel.write(ByteBuffer.allocate(1), sizeBytes - 1);
        }
    }

    private static boolean isZero(byte[] bytes) {
        for (byte b : bytes) {
            if (b != 0) {
                return false;
            }
        }
        return true;
    }

    private InputStream open(String name) throws IOException {
        return new GZIPInputStream(Files.newInputStream(folder.resolve(name)), CHUNK_BYTES);
    }

    @Override
    public String toString() {
        return folder.getFileName().toString();
    }
}
