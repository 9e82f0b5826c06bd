package dev.gossamer.daemon.attach;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gossamer.daemon.config.ConfigFile;
import dev.gossamer.io.Errno;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * A device that is attached, as a file says it: the kernel knows neither the export nor who keeps it.
 *
 * @param index of {@code /dev/nbdN}
 * @param uri of the export
 * @param identity of the volume, by which another one is told from it that gets its name later; empty if its server
 *     tells none
 * @param mount where it is mounted by us; empty if nowhere
 * @param timeoutSeconds after which the kernel sends a request again
 * @param deadSeconds how long requests wait for the server to come back
 * @param keeper process that connects it again; 0 for none
 */
public record Attachment(
        int index, String uri, String identity, String mount, int timeoutSeconds, int deadSeconds, long keeper) {
    private static final JsonMapper JSON = new JsonMapper();

    /** Gone after a restart of the machine, as the devices are. */
    static final Path DIRECTORY = Path.of("/run/gossamer");

    public String device() {
        return "/dev/nbd" + index;
    }

    private static Path file(Path directory, int index) {
        return directory.resolve("nbd" + index + ".json");
    }

    Attachment withKeeper(long processId) {
        return new Attachment(index, uri, identity, mount, timeoutSeconds, deadSeconds, processId);
    }

    Attachment withMount(String newMount) {
        return new Attachment(index, uri, identity, newMount, timeoutSeconds, deadSeconds, keeper);
    }

    /** What the kernel asks for when the device is changed. */
    String identifier() {
        return "gossamer " + uri;
    }

    /** For a file, and for people. */
    public ObjectNode json() {
        return JsonNodeFactory.instance
                .objectNode()
                .put("device", device())
                .put("index", index)
                .put("uri", uri)
                .put("identity", identity)
                .put("mount", mount)
                .put("timeoutSeconds", timeoutSeconds)
                .put("deadSeconds", deadSeconds)
                .put("keeper", keeper);
    }

    void write(Path directory) throws StorageException {
        try {
            Files.createDirectories(directory);
            ConfigFile.replace(file(directory, index), json().toPrettyString());
        } catch (IOException e) {
            throw new StorageException(Errno.EIO, "cannot write in " + directory + ": " + Reason.of(e), e);
        }
    }

    void remove(Path directory) throws StorageException {
        try {
            Files.deleteIfExists(file(directory, index));
        } catch (IOException e) {
            throw new StorageException(Errno.EIO, "cannot remove in " + directory + ": " + Reason.of(e), e);
        }
    }

    /** Null if there is no such file. */
    static Attachment read(Path directory, int index) throws StorageException {
        Path file = file(directory, index);
        if (!Files.exists(file)) {
            return null;
        }
        try {
            JsonNode node = JSON.readTree(Files.readString(file));
            return new Attachment(
                    node.path("index").asInt(),
                    node.path("uri").asText(),
                    node.path("identity").asText(),
                    node.path("mount").asText(),
                    node.path("timeoutSeconds").asInt(),
                    node.path("deadSeconds").asInt(),
                    node.path("keeper").asLong());
        } catch (IOException e) {
            throw new StorageException(Errno.EIO, file + " cannot be read: " + Reason.of(e), e);
        }
    }

    /** All that are recorded, by device. */
    static List<Attachment> all(Path directory) throws StorageException {
        List<Attachment> all = new ArrayList<>();
        if (!Files.isDirectory(directory)) {
            return all;
        }
        List<Path> files;
        try (Stream<Path> entries = Files.list(directory)) {
            files = entries.filter(path -> path.getFileName().toString().matches("nbd[0-9]{1,5}\\.json"))
                    .toList();
        } catch (IOException e) {
            throw new StorageException(Errno.EIO, "cannot read " + directory + ": " + Reason.of(e), e);
        }
        for (Path file : files) {
            String name = file.getFileName().toString();
            Attachment found = read(directory, Integer.parseInt(name.substring(3, name.length() - 5)));
            if (found != null) {
                all.add(found);
            }
        }
        all.sort(Comparator.comparingInt(Attachment::index));
        return all;
    }
}
