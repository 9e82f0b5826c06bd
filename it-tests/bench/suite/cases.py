"""What is measured, and which ratios are wanted of it."""
import dataclasses

from suite.load import Load

KIB = 1024


@dataclasses.dataclass(frozen=True)
class Case:
    """Name, words for the table, the load, and how its volumes come about.

    group: "mapped" wholly written volumes; "tmpfs" the same in memory; "provision" an empty volume for each run; "overwrite"
    a wholly written volume with a new snapshot before each run; "snapshots" two volumes of one pool, one of them under 100
    snapshots. baseline: the row that the ratio column refers to.
    """

    name: str
    title: str
    load: Load
    group: str = "mapped"
    baseline: str = "qemu-raw"


CASES = (
    Case("read-d1", "4 KiB random read, depth 1", Load(depth=1)),
    Case("read-d32", "4 KiB random read, depth 32", Load(depth=32)),
    Case("read-d128", "4 KiB random read, depth 128", Load(depth=128)),
    Case("read-d32-c4", "4 KiB random read, four connections, depth 32 each", Load(depth=32, connections=4)),
    Case("write-d1", "4 KiB random write, depth 1", Load(depth=1, read_percent=0)),
    Case("write-d32", "4 KiB random write, depth 32", Load(depth=32, read_percent=0)),
    Case("write-d128", "4 KiB random write, depth 128", Load(depth=128, read_percent=0)),
    Case("write-d32-c4", "4 KiB random write, four connections, depth 32 each", Load(depth=32, connections=4, read_percent=0)),
    Case("mix-d32", "4 KiB random, 70 % reads, depth 32", Load(depth=32, read_percent=70)),
    Case("seqread", "128 KiB sequential read, depth 16", Load(depth=16, block=128 * KIB, sequential=True)),
    Case("seqwrite", "128 KiB sequential write, depth 16", Load(depth=16, block=128 * KIB, sequential=True, read_percent=0)),
    Case("write-flush", "4 KiB random write + flush as one I/O, 8 at a time over four connections",
         Load(depth=2, connections=4, read_percent=0, flush_each=True), baseline="qcow2"),
    Case("tmpfs-read-d32", "tmpfs: 4 KiB random read, depth 32", Load(depth=32), "tmpfs"),
    Case("tmpfs-read-d128", "tmpfs: 4 KiB random read, depth 128", Load(depth=128), "tmpfs"),
    Case("tmpfs-write-d32", "tmpfs: 4 KiB random write, depth 32", Load(depth=32, read_percent=0), "tmpfs"),
    Case("provision-4k", "4 KiB into each 64 KiB of an empty volume, random, depth 32, flush every 64 and at the end",
         Load(depth=32, read_percent=0, once=64 * KIB, flush_every=64, final_flush=True), "provision", "qcow2"),
    Case("provision-64k", "64 KiB sequential into an empty volume, depth 16, flush at the end",
         Load(depth=16, block=64 * KIB, read_percent=0, sequential=True, until_end=True, final_flush=True), "provision", "qcow2"),
    Case("overwrite", "4 KiB into each 64 KiB of a volume just snapshotted, random, depth 32, flush at the end",
         Load(depth=32, read_percent=0, once=64 * KIB, final_flush=True), "overwrite", "qcow2"),
    Case("snapshots-100", "4 KiB random read, depth 32, under 100 snapshots and without", Load(depth=32), "snapshots",
         "no-snapshots"),
)


@dataclasses.dataclass(frozen=True)
class Aim:
    """A figure of one row divided by that of another, or as it is, and its limit."""

    case: str
    figure: str
    row: str
    versus: str  # another row of the same case, "CASE/ROW", or "" for the figure itself
    limit: float
    at_most: bool = False

    @property
    def words(self):
        return f"{self.figure} of {self.row}" + (f" / {self.versus}" if self.versus else "")


AIMS = (
    Aim("read-d32", "iops", "gossamer", "qemu-raw", 1.35),
    Aim("read-d32", "cpu_us", "gossamer", "qemu-raw", 0.45, at_most=True),
    Aim("read-d128", "iops", "gossamer", "qemu-raw", 2.2),
    Aim("read-d128", "cpu_us", "gossamer", "qemu-raw", 0.25, at_most=True),
    Aim("read-d128", "iops", "gossamer", "raw", 0.9),
    Aim("read-d32", "iops", "gossamer", "refserver", 1),
    Aim("read-d32", "cpu_us", "gossamer", "refserver", 1.2, at_most=True),
    Aim("read-d128", "iops", "gossamer", "refserver", 1),
    Aim("read-d128", "cpu_us", "gossamer", "refserver", 1.2, at_most=True),
    Aim("write-d32", "iops", "gossamer", "refserver", 1),
    Aim("write-d32", "cpu_us", "gossamer", "refserver", 1.2, at_most=True),
    Aim("tmpfs-read-d32", "iops", "gossamer", "qemu-raw", 3.5),
    Aim("tmpfs-read-d128", "iops", "gossamer", "qemu-raw", 6),
    Aim("write-d32", "iops", "gossamer", "qemu-raw", 1.25),
    Aim("seqread", "iops", "gossamer", "qemu-raw", 1.3),
    Aim("seqwrite", "iops", "gossamer", "qemu-raw", 1.8),
    Aim("read-d1", "mean_us", "gossamer", "qemu-raw", 1, at_most=True),
    Aim("write-d1", "mean_us", "gossamer", "qemu-raw", 1, at_most=True),
    Aim("read-d32-c4", "iops", "gossamer", "qemu-raw", 1.35),
    Aim("read-d32-c4", "iops", "gossamer", "read-d32/gossamer", 1),
    Aim("provision-4k", "iops", "gossamer", "qcow2", 4),
    Aim("provision-64k", "iops", "gossamer", "qcow2", 2),
    Aim("overwrite", "iops", "gossamer", "qcow2", 4),
    Aim("write-flush", "iops", "gossamer", "qcow2", 2),
    Aim("read-d32", "iops", "gossamer", "gossamer-file", 0.95),
    Aim("snapshots-100", "iops", "100-snapshots", "no-snapshots", 0.98),
    Aim("read-d32", "heap_bytes", "gossamer", "", 100, at_most=True),
    Aim("read-d32", "deferred", "gossamer", "", 0, at_most=True),
    Aim("startup", "first_reply_s", "gossamer", "", 0.6, at_most=True),
    Aim("startup", "rss_mib", "gossamer", "", 130, at_most=True),
)
