"""What a quiet reader notices of its neighbours: one client reads 4 KiB at depth 1 from its own volume, alone and then beside each
of them, all in one pool."""
import contextlib
import itertools
import threading
import time

from suite import client
from suite.load import FILL, Load
from suite.processes import Failure

READER = Load(depth=1)
PIECE = 64 << 10  # a data block of the pool
LISTED_VOLUMES = 300


class Neighbour:
    """Something to live beside: `prepare` before the reader starts, `work` again and again while it reads."""

    def __init__(self, name, words, prepare, work):
        self.name = name
        self.words = words
        self.prepare = prepare
        self.work = work


class Street:
    """A pool, the reader's volume, and what neighbours need. `pieces`: how many data blocks a neighbour's volume has mapped."""

    def __init__(self, server, generator, size, seconds):
        self.server = server
        self.generator = generator
        self.size = size
        self.seconds = seconds
        self.names = itertools.count(1)
        self.reader = server.fresh(size // 4)
        generator.run(self.reader, FILL)
        generator.run(self.reader, READER, min(2.0, seconds))

    def mapped_volume(self):
        """Every second data block is mapped: as scattered as a volume can be."""
        volume = self.server.fresh(self.size)
        with client.Client(volume.socket) as writer:
            writer.go(volume.export)
            under_way = 0
            for offset in range(0, volume.bytes, 2 * PIECE):
                writer.send(client.WRITE, offset, 4096, bytes(4095) + b"x")
                under_way += 1
                if under_way == 32:
                    writer.reply()
                    under_way -= 1
            for _ in range(under_way):
                writer.reply()
            writer.request(client.FLUSH)
        return volume

    def filled_volume(self):
        volume = self.server.fresh(self.size // 2)
        self.generator.run(volume, FILL)
        return volume

    # ---- neighbours ----

    def all(self):
        overwrite = Load(depth=32, read_percent=0, once=PIECE, final_flush=True)
        provision = Load(depth=32, read_percent=0, once=PIECE, flush_every=64, final_flush=True)
        large = Load(depth=16, block=1 << 20, read_percent=0, sequential=True)
        return (
            Neighbour("nobody", "alone", lambda: None, lambda _: time.sleep(0.05)),
            Neighbour("trim", "one TRIM of a volume with every second block mapped", self.mapped_volume, self.trim),
            Neighbour("delete", "such a volume is deleted, and reclaimed", self.mapped_volume, self.delete),
            Neighbour("snapshots", "another volume gets a snapshot and a write, all the time", self.filled_volume, self.snapshot),
            Neighbour("overwrite", "sharing is broken, random, depth 32", self.filled_volume, lambda v: self.broken(v, overwrite)),
            Neighbour("provision", "4 KiB writes to an empty volume, random, depth 32, flush every 64", lambda: None,
                      lambda _: self.load(self.server.fresh(self.size // 4), provision)),
            Neighbour("large-writes", "1 MiB sequential writes, depth 16", self.filled_volume, lambda v: self.load(v, large)),
            Neighbour("extents", "BLOCK_STATUS of a scattered volume, one after the other", self.mapped_volume, self.extents),
            Neighbour("list", f"LIST of {LISTED_VOLUMES} exports, four clients", self.many_volumes, self.lists),
            Neighbour("connections", "a connection, GO and disconnection, eight clients", self.filled_volume, self.connections),
        )

    def trim(self, volume):
        with client.Client(volume.socket) as trimmer:
            trimmer.go(volume.export)
            trimmer.request(client.TRIM, 0, volume.bytes)
            trimmer.request(client.FLUSH)

    def delete(self, volume):
        with contextlib.suppress(Failure):  # the second time it is gone, and its space being reclaimed
            self.server.admin("DELETE", f"/v1/volumes/{volume.export}")
        time.sleep(0.02)

    def snapshot(self, volume):
        self.server.snapshot(volume)
        with client.Client(volume.socket) as writer:
            writer.go(volume.export).request(client.WRITE, 0, 4096, bytes(4096))

    def broken(self, volume, load):
        self.server.snapshot(volume)
        self.load(volume, load)

    def load(self, volume, load):
        self.generator.run(volume, load, self.seconds)

    def extents(self, volume):
        with client.Client(volume.socket) as asker:
            asker.go(volume.export, extents=True)
            end = time.monotonic() + self.seconds / 4
            while time.monotonic() < end:
                asker.request(client.BLOCK_STATUS, 0, volume.bytes)

    def many_volumes(self):
        volumes = [self.server.fresh(1 << 20) for _ in range(LISTED_VOLUMES)]
        return volumes[0]

    def lists(self, volume):
        def one():
            with client.Client(volume.socket) as lister:
                for _ in range(20):
                    lister.list()
        together(4, one)

    def connections(self, volume):
        def one():
            for _ in range(20):
                comer = client.Client(volume.socket)
                comer.go(volume.export)
                comer.close()
        together(8, one)

    # ---- one row ----

    def beside(self, neighbour, seed):
        """The reader's figures while the neighbour works from before the first read to after the last."""
        thing = neighbour.prepare()
        over, began, failures = threading.Event(), threading.Event(), []

        def work():
            try:
                while not over.is_set():
                    began.set()
                    neighbour.work(thing)
            except (Failure, OSError) as failure:
                failures.append(failure)
                began.set()

        worker = threading.Thread(target=work)
        worker.start()
        began.wait()
        try:
            sample = self.generator.run(self.reader, READER, self.seconds, seed)
        finally:
            over.set()
            worker.join()
        if failures:
            raise Failure(f"neighbour {neighbour.name}: {failures[0]}")
        return sample


def together(count, work):
    failures = []

    def guarded():
        try:
            work()
        except (Failure, OSError) as failure:
            failures.append(failure)

    threads = [threading.Thread(target=guarded) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def measure(server, generator, plan, wanted):
    """Rows of all wanted neighbours, each beside `alone` of the same round; the medians and the worst of the worst."""
    street = Street(server, generator, plan.bytes, plan.seconds)
    rows = {neighbour.name: {"contender": neighbour.name, "title": neighbour.words, "rounds": []} for neighbour in street.all()
            if neighbour.name == "nobody" or wanted(neighbour.name)}
    for number in range(1, plan.rounds + 1):
        for neighbour in street.all():
            if neighbour.name in rows:
                rows[neighbour.name]["rounds"].append(street.beside(neighbour, number))
    return list(rows.values())
