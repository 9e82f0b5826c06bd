package dev.gossamer.daemon.lvm;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A {@code /sys} and a {@code /dev} in a directory. */
final class FakeKernel {
    private final Path root;

    FakeKernel(Path root) throws IOException {
        this.root = root;
        Files.createDirectories(root.resolve("sys/class/block"));
        Files.createDirectories(root.resolve("dev"));
    }

    KernelDevices devices() {
        return new KernelDevices(root.resolve("sys"), root.resolve("dev"));
    }

    /** A block device of so many sectors, held by those. */
    FakeKernel block(String name, long sectors, String... holders) throws IOException {
        Path block = Files.createDirectories(root.resolve("sys/class/block").resolve(name));
        Files.writeString(block.resolve("size"), sectors + "\n");
        for (String holder : holders) {
            Files.createDirectories(block.resolve("holders").resolve(holder));
        }
        return this;
    }

    /** A device of device-mapper's. */
    FakeKernel mapped(String name, String uuid) throws IOException {
        block(name, 2048);
        Path mapped = Files.createDirectories(
                root.resolve("sys/class/block").resolve(name).resolve("dm"));
        Files.writeString(mapped.resolve("uuid"), uuid + "\n");
        return this;
    }

    FakeKernel loop(String name, Path file) throws IOException {
        block(name, 2048);
        Path loop = Files.createDirectories(
                root.resolve("sys/class/block").resolve(name).resolve("loop"));
        Files.writeString(loop.resolve("backing_file"), file + "\n");
        return this;
    }
}
