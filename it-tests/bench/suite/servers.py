"""The servers that are compared, each with the same four doings: `launch`, `fresh` (an empty volume), `snapshot` and `stop`."""
import dataclasses
import http.client
import itertools
import json
import os
import pathlib
import socket
import time

from suite.processes import Failure, Process, run

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent.parent
START_LIMIT_SECONDS = 60


@dataclasses.dataclass(frozen=True)
class Volume:
    """Where nbdload finds it, and what it has written there."""

    socket: pathlib.Path
    export: str
    state: pathlib.Path
    bytes: int


class Server:
    """What all have in common. `directory` is on the disk that is measured."""

    uses_page_cache = False

    def __init__(self, name, directory):
        self.name = name
        self.directory = directory / name
        self.directory.mkdir()
        self.process = None
        self.numbers = itertools.count(1)

    def new_state(self):
        return self.directory / f"state{next(self.numbers)}"

    def spawn(self, command):
        self.process = Process(command, self.directory / "log")

    def launch(self):
        """Starts the server on what it has, and does not wait."""
        self.spawn(self.command())

    def counters(self):
        """Numbers that the server keeps, by name; none if it keeps none."""
        return {}

    def stop(self):
        if self.process is not None:
            self.process.stop()
            self.process = None


class AdminConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path):
        super().__init__("pool", timeout=60)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Gossamer(Server):
    """The packaged daemon with a pool of its own in sparse files."""

    POOL_SIZE = "16G"

    def __init__(self, name, directory, home, engine="auto"):
        super().__init__(name, directory)
        self.launcher = home / "bin" / "gossamer"
        self.engine = engine
        self.pool = self.directory / "p"
        run([self.launcher, "pool", "create", self.pool, "--size", self.POOL_SIZE])

    def command(self):
        return [self.launcher, "serve", self.pool, "--engine", self.engine]

    def start(self):
        self.launch()
        deadline = time.monotonic() + START_LIMIT_SECONDS
        while True:
            try:
                self.admin("GET", "/v1/status")
                return
            except OSError:
                self.process.check_alive()
                if time.monotonic() > deadline:
                    raise Failure(f"{self.name} does not answer on its admin socket:\n{self.process.printed()}") from None
                time.sleep(0.05)

    def admin(self, method, path, body=None):
        connection = AdminConnection(self.pool / "admin.sock")
        try:
            connection.request(method, path, body=json.dumps(body) if body else None)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if answer.status >= 400:
            raise Failure(f"{self.name}: {method} {path}: {text}")
        return text

    def fresh(self, size):
        if self.process is None:
            self.start()
        state = self.new_state()
        self.admin("POST", "/v1/volumes", {"name": state.name, "sizeBytes": size})
        return Volume(self.pool / "nbd.sock", state.name, state, size)

    def snapshot(self, volume):
        name = f"snap{next(self.numbers)}"
        self.admin("POST", f"/v1/volumes/{volume.export}/snapshots", {"name": name, "readOnly": True})
        return volume

    def counters(self):
        found = {"heap_bytes": 0.0}
        for line in self.admin("GET", "/metrics").splitlines():
            name, _, value = line.rpartition(" ")
            if name.startswith("gossamer_thread_allocated_bytes_total{"):
                found["heap_bytes"] += float(value)
            elif name == "gossamer_pool_deferred_requests_total":
                found["deferred"] = float(value)
        return found


class GossamerFile(Server):
    """Our NBD server on a plain file, without a pool; its main class is among the daemon's tests."""

    CLASSES = ROOT / "daemon" / "target" / "test-classes"
    MAIN = "dev.gossamer.daemon.server.FileExportServer"

    def __init__(self, name, directory, home):
        super().__init__(name, directory)
        self.home = home

    @classmethod
    def is_built(cls):
        return (cls.CLASSES / (cls.MAIN.replace(".", "/") + ".class")).exists()

    def fresh(self, size):
        self.stop()
        state, file, path = self.new_state(), self.directory / "image", self.directory / "nbd.sock"
        file.unlink(missing_ok=True)
        run(["truncate", "-s", size, file])
        native = self.home / "lib" / "native"
        jars = [str(jar) for jar in sorted((self.home / "lib").glob("*.jar"))]
        loops = max(1, os.cpu_count() // 2)  # as the daemon
        self.spawn([self.home / "runtime" / "bin" / "java", f"@{self.home}/conf/jvm.options", "-Xms256m", "-Xmx256m",
                    f"-Djava.library.path={native}", f"-Djffi.boot.library.path={native}", "-cp",
                    ":".join([*jars, str(self.CLASSES)]), self.MAIN, file, path, loops])
        return Volume(path, "", state, size)


class RefServer(Server):
    """refserver.c, compiled here: the ceiling of a server with one thread on one ring."""

    SOURCE = pathlib.Path(__file__).resolve().parent.parent / "refserver.c"

    def __init__(self, name, directory):
        super().__init__(name, directory)
        self.binary = self.directory / "refserver"
        self.image = self.directory / "image"
        self.path = self.directory / "nbd.sock"
        run(["gcc", "-O2", "-Wall", "-o", self.binary, self.SOURCE])

    def command(self):
        return [self.binary, self.path, self.image]

    def fresh(self, size):
        self.stop()
        self.image.unlink(missing_ok=True)
        run(["truncate", "-s", size, self.image])
        self.launch()
        return Volume(self.path, "", self.new_state(), size)


class QemuNbd(Server):
    """qemu-nbd without the page cache, on a raw or a qcow2 image (64 KiB clusters)."""

    def __init__(self, name, directory, image_format):
        super().__init__(name, directory)
        self.format = image_format
        self.image = self.directory / "image"
        self.path = self.directory / "nbd.sock"

    def command(self):
        return ["qemu-nbd", "--cache=none", "--aio=io_uring", "-f", self.format, "--discard=unmap", "--persistent", "--shared=8",
                "-k", self.path, self.image]

    def launch(self):
        self.path.unlink(missing_ok=True)
        super().launch()

    def fresh(self, size):
        self.stop()
        self.image.unlink(missing_ok=True)
        clusters = ["-o", "cluster_size=64k"] if self.format == "qcow2" else []
        run(["qemu-img", "create", "-q", "-f", self.format, *clusters, self.image, size])
        self.launch()
        return Volume(self.path, "", self.new_state(), size)

    def snapshot(self, volume):
        self.stop()
        run(["qemu-img", "snapshot", "-c", f"snap{next(self.numbers)}", self.image])
        self.launch()
        return volume


class Nbdkit(Server):
    """nbdkit's file plugin. It has no direct I/O: it reads and writes the page cache."""

    uses_page_cache = True

    def __init__(self, name, directory):
        super().__init__(name, directory)
        self.image = self.directory / "image"
        self.path = self.directory / "nbd.sock"

    def command(self):
        return ["nbdkit", "--foreground", "--unix", self.path, "file", self.image]

    def launch(self):
        self.path.unlink(missing_ok=True)
        super().launch()

    def fresh(self, size):
        self.stop()
        self.image.unlink(missing_ok=True)
        run(["truncate", "-s", size, self.image])
        self.launch()
        return Volume(self.path, "", self.new_state(), size)


class RawFile(Server):
    """No server: the file itself, which fio reads and writes."""

    def fresh(self, size):
        return Volume(self.directory / "image", "", self.new_state(), size)
