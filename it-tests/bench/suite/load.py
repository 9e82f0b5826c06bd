"""What is asked of a server, and the two programs that ask: nbdload for servers, fio for the file itself."""
import dataclasses
import json
import os
import pathlib
import subprocess

from suite.processes import run

SOURCE = pathlib.Path(__file__).resolve().parent.parent / "nbdload.c"


@dataclasses.dataclass(frozen=True)
class Load:
    """One kind of access. Sizes in bytes; depth is per connection."""

    depth: int = 1
    block: int = 4096
    connections: int = 1
    read_percent: int = 100
    sequential: bool = False
    once: int = 0  # one request into each piece of this size
    until_end: bool = False
    flush_every: int = 0
    flush_each: bool = False
    final_flush: bool = False

    @property
    def writes(self):
        return self.read_percent < 100

    @property
    def is_fixed_work(self):
        return self.once > 0 or self.until_end


FILL = Load(depth=4, block=1 << 20, read_percent=0, sequential=True, until_end=True, final_flush=True)


class Generator:
    """The compiled nbdload."""

    def __init__(self, directory, structured):
        self.binary = directory / "nbdload"
        self.structured = structured
        run(["gcc", "-O2", "-Wall", "-o", self.binary, SOURCE])

    def run(self, volume, load, seconds=0.0, seed=1, prefix=(), wait=30, ios=0):
        """Runs one load and returns nbdload's figures. Without seconds, a load of a fixed amount of work runs to its end."""
        words = [*prefix, self.binary, "--socket", volume.socket, "--export", volume.export, "--state", volume.state,
                 "--depth", load.depth, "--block", load.block, "--connections", load.connections,
                 "--read-percent", load.read_percent, "--seed", seed, "--wait", wait]
        for option, value in (("--seconds", seconds), ("--ios", ios), ("--once", load.once), ("--flush-every", load.flush_every)):
            if value:
                words += [option, value]
        for option, wanted in (("--sequential", load.sequential), ("--until-end", load.until_end), ("--flush-each", load.flush_each),
                               ("--final-flush", load.final_flush), ("--structured", self.structured)):
            if wanted:
                words.append(option)
        return json.loads(run(words))


def fio(file, load, size, seconds, seed):
    """The same with io_uring and O_DIRECT on a file. A flush is fdatasync; with one after each write, chains become jobs."""
    jobs, depth = (load.connections * load.depth, 1) if load.flush_each else (load.connections, load.depth)
    pattern = "" if load.sequential else "rand"
    kind = {100: "read", 0: "write"}.get(load.read_percent, "rw")
    words = ["fio", "--name=raw", f"--filename={file}", "--ioengine=io_uring", "--direct=1", f"--rw={pattern}{kind}",
             f"--bs={load.block}", f"--iodepth={depth}", f"--numjobs={jobs}", f"--size={size}", "--group_reporting", "--norandommap",
             "--thread", "--time_based", f"--runtime={max(1, round(seconds))}", f"--randseed={seed}",
             f"--rwmixread={load.read_percent}", f"--fdatasync={int(load.flush_each)}", "--percentile_list=50:99:99.9",
             "--output-format=json"]
    text = run(words, cwd=file.parent)
    job = json.loads(text[text.index("{"):])["jobs"][0]  # notes may come before the JSON
    read, write = job["read"], job["write"]
    main = read if read["total_ios"] >= write["total_ios"] else write
    percentiles = main["clat_ns"]["percentile"]
    iops = read["iops"] + write["iops"]
    return {"iops": iops, "mib_per_s": iops * load.block / (1 << 20), "ios": read["total_ios"] + write["total_ios"],
            "p50_us": percentiles["50.000000"] / 1000, "p99_us": percentiles["99.000000"] / 1000,
            "p999_us": percentiles["99.900000"] / 1000, "mean_us": main["clat_ns"]["mean"] / 1000}


def fill_file(file, size):
    """Makes a file without holes."""
    piece = os.urandom(1 << 20)
    with open(file, "wb") as target:
        for _ in range(size >> 20):
            target.write(piece)
        os.fsync(target.fileno())


def version(command):
    """The first line that a program prints about itself; None if it is not installed."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()[0]
    except (FileNotFoundError, IndexError):
        return None
