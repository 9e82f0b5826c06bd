"""Runs the cases: sets the servers up, lets them take turns, and takes every server away again."""
import dataclasses
import os
import shutil
import statistics
import time
from typing import Callable

from suite.load import FILL, Load, fill_file, fio
from suite.processes import Failure, stopping
from suite.servers import Gossamer, GossamerFile, Nbdkit, QemuNbd, RawFile, RefServer, Server, Volume

# A volume is written in this many places between two of its 100 snapshots.
SNAPSHOTS, WRITES_BETWEEN = 100, 32
# A fixed amount of work that takes longer than this is cut off; its figures are still rates.
WORK_LIMIT_SECONDS = 30


@dataclasses.dataclass
class Lane:
    """One row of a case: a server, and where its next run finds a volume."""

    name: str
    server: Server
    next_volume: Callable[[], Volume]


@dataclasses.dataclass
class Plan:
    """How long and how large, from the command line."""

    rounds: int
    seconds: float
    warm_up: float
    mib: int
    contenders: list

    @property
    def bytes(self):
        return self.mib << 20


class Bench:
    """Everything that the groups share. `rows` collects the results."""

    def __init__(self, plan, disk, memory, home, generator, calls, report):
        self.plan = plan
        self.disk = disk
        self.memory = memory
        self.home = home
        self.generator = generator
        self.calls = calls
        self.report = report

    def make(self, name, directory):
        match name:
            case "gossamer":
                return Gossamer(name, directory, self.home)
            case "gossamer-threads":
                return Gossamer(name, directory, self.home, "threads")
            case "gossamer-file":
                return GossamerFile(name, directory, self.home)
            case "refserver":
                return RefServer(name, directory)
            case "qemu-raw":
                return QemuNbd(name, directory, "raw")
            case "qcow2":
                return QemuNbd(name, directory, "qcow2")
            case "nbdkit":
                return Nbdkit(name, directory)
            case "raw":
                return RawFile(name, directory)
        raise Failure(f"unknown contender {name}")

    def servers(self, parent, group, names):
        """A directory and the servers of a group, which go when the group ends."""
        directory = parent / group
        directory.mkdir()
        servers = [self.make(name, directory) for name in names if name in self.plan.contenders]
        return directory, servers

    # ---- groups ----

    def mapped(self, cases, parent, group, size, names):
        directory, servers = self.servers(parent, group, names)
        with stopping(servers):
            lanes = []
            for server in servers:
                volume = server.fresh(size)
                if isinstance(server, RawFile):
                    fill_file(volume.socket, size)
                else:
                    self.generator.run(volume, FILL)
                    self.warm(volume)
                lanes.append(Lane(server.name, server, lambda volume=volume: volume))
            for case in cases:
                self.run_case(case, lanes)
        shutil.rmtree(directory)

    def provision(self, cases):
        for case in cases:
            directory, servers = self.servers(self.disk, case.name, ("gossamer", "gossamer-threads", "qcow2", "qemu-raw"))
            with stopping(servers):
                for server in servers:
                    # Two volumes' worth of work that is not counted: that is when compiled code takes over.
                    for _ in range(2):
                        self.generator.run(server.fresh(self.plan.bytes), case.load, WORK_LIMIT_SECONDS)
                lanes = [Lane(server.name, server, lambda server=server: server.fresh(self.plan.bytes)) for server in servers]
                self.run_case(case, lanes)
            shutil.rmtree(directory)

    def overwrite(self, cases):
        size = self.plan.bytes // 2
        for case in cases:
            directory, servers = self.servers(self.disk, case.name, ("gossamer", "gossamer-threads", "qcow2"))
            with stopping(servers):
                lanes = []
                for server in servers:
                    volume = server.fresh(size)
                    self.generator.run(volume, FILL)
                    self.generator.run(server.snapshot(volume), case.load, WORK_LIMIT_SECONDS)
                    lanes.append(Lane(server.name, server, lambda server=server, volume=volume: server.snapshot(volume)))
                self.run_case(case, lanes)
            shutil.rmtree(directory)

    def snapshots(self, cases):
        directory, servers = self.servers(self.disk, "snapshots", ("gossamer",))
        with stopping(servers):
            for server in servers:
                plain, under = (server.fresh(self.plan.bytes // 2) for _ in range(2))
                for volume in (plain, under):
                    self.generator.run(volume, FILL)
                for number in range(SNAPSHOTS):
                    server.snapshot(under)
                    self.generator.run(under, Load(depth=8, read_percent=0), seed=number, ios=WRITES_BETWEEN)
                self.warm(plain)
                lanes = [Lane("no-snapshots", server, lambda: plain), Lane("100-snapshots", server, lambda: under)]
                for case in cases:
                    self.run_case(case, lanes)
        shutil.rmtree(directory)

    def startup(self):
        """From exec to the first answered read, and the memory a second later."""
        directory, servers = self.servers(self.disk, "startup", ("gossamer", "qemu-raw", "nbdkit"))
        rows = []
        with stopping(servers):
            for server in servers:
                volume = server.fresh(self.plan.bytes // 8)
                samples = []
                for _ in range(self.plan.rounds):
                    server.stop()
                    samples.append(self.start_once(server, volume))
                rows.append({"contender": server.name, "rounds": samples})
        shutil.rmtree(directory)
        self.report.case("startup", "exec to first answered read; resident memory a second later", "", rows)

    def start_once(self, server, volume):
        begin = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        server.launch()
        answer = self.generator.run(volume, Load(), ios=1)
        time.sleep(1)
        return {"first_reply_s": (answer["first_reply_ns"] - begin) / 1e9, "rss_mib": server.process.rss_mib()}

    # ---- runs ----

    def warm(self, volume):
        """Compiled code and filled caches before the first figure."""
        for load in (Load(depth=32), Load(depth=32, read_percent=0), Load(depth=4, block=128 << 10, sequential=True, read_percent=50)):
            self.generator.run(volume, load, self.plan.warm_up)

    def run_case(self, case, lanes):
        """All lanes in turn, round by round; then the ones that write the page cache, whose write-back would hit all others."""
        apart = [lane for lane in lanes if lane.server.uses_page_cache and case.load.writes]
        rows = {lane.name: {"contender": lane.name, "rounds": [], "apart": lane in apart} for lane in lanes}
        for group in ([lane for lane in lanes if lane not in apart], apart):
            for number in range(1, self.plan.rounds + 1):
                for lane in group:
                    rows[lane.name]["rounds"].append(self.run_once(case.load, lane, number))
                    if lane in apart:
                        os.sync()
        for lane in lanes:
            rows[lane.name]["calls"] = self.count_calls(case.load, lane)
        if apart:
            os.sync()
        self.report.case(case.name, case.title, case.baseline, list(rows.values()))

    def duration(self, load):
        return WORK_LIMIT_SECONDS if load.is_fixed_work else self.plan.seconds

    def run_once(self, load, lane, seed):
        volume = lane.next_volume()
        server = lane.server
        if isinstance(server, RawFile):
            return fio(volume.socket, load, volume.bytes, self.plan.seconds, seed)
        # What asking for the counters costs is known from asking twice.
        first = server.counters()
        before = server.counters()
        cpu = server.process.cpu_seconds()
        sample = self.generator.run(volume, load, self.duration(load), seed)
        sample["cpu_us"] = (server.process.cpu_seconds() - cpu) * 1e6 / sample["ios"]
        sample["rss_mib"] = server.process.rss_mib()
        after = server.counters()
        for name, value in after.items():
            sample[name] = max(0.0, (value - before[name]) - (before[name] - first[name])) / sample["ios"]
        return sample

    def count_calls(self, load, lane):
        """System calls of the server per I/O, in a run of its own, because counting slows it."""
        server = lane.server
        if isinstance(server, RawFile) or self.calls.tool is None:
            return None
        volume = lane.next_volume()
        seconds = self.duration(load) if load.is_fixed_work else min(1.0, self.plan.seconds)
        count, result = self.calls.count(
            server.process, lambda prefix: self.generator.run(volume, load, seconds, seed=99, prefix=prefix))
        return count / result["ios"]


def median(values):
    """Of those that there are; None of none."""
    present = [value for value in values if value is not None]
    return statistics.median(present) if present else None
