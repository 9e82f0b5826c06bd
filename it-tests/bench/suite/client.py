"""A small NBD client for what nbdload does not send: trims, extents, lists, connections that come and go. One request at a time.

Protocol: https://github.com/NetworkBlockDevice/nbd doc/proto.md; simple replies, structured ones where extents are asked for.
"""
import socket
import struct

from suite.processes import Failure

OPTION_MAGIC, OPTION_REPLY_MAGIC = 0x49484156454F5054, 0x3E889045565A9
REQUEST_MAGIC, SIMPLE_MAGIC, STRUCTURED_MAGIC = 0x25609513, 0x67446698, 0x668E33EF
ABORT, LIST, GO, STRUCTURED_REPLY, SET_META_CONTEXT = 2, 3, 7, 8, 10
ACK = 1
WRITE, DISCONNECT, FLUSH, TRIM, BLOCK_STATUS = 1, 2, 3, 4, 7
CHUNK_DONE, CHUNK_ERROR = 1, 1 << 15


class Client:
    """A connection in the option phase; `go` takes it to an export."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(str(path))
        self.structured = False
        self.handle = 0
        self._take(18)
        self.socket.sendall(struct.pack(">I", 3))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def _take(self, count):
        parts = bytearray()
        while len(parts) < count:
            part = self.socket.recv(count - len(parts))
            if not part:
                raise Failure("the server closed a neighbour's connection")
            parts += part
        return bytes(parts)

    def option(self, kind, data=b""):
        """Sends an option; returns the replies before the acknowledgement."""
        self.socket.sendall(struct.pack(">QII", OPTION_MAGIC, kind, len(data)) + data)
        replies = []
        while True:
            magic, _, reply, length = struct.unpack(">QIII", self._take(20))
            body = self._take(length)
            if magic != OPTION_REPLY_MAGIC or reply >> 31:
                raise Failure(f"option {kind} is refused: {body.decode(errors='replace')}")
            if reply == ACK:
                return replies
            replies.append(body)

    def list(self):
        return len(self.option(LIST))

    def go(self, export, extents=False):
        name = struct.pack(">I", len(export)) + export.encode()
        if extents:
            self.option(STRUCTURED_REPLY)
            self.structured = True
            context = b"base:allocation"
            self.option(SET_META_CONTEXT, name + struct.pack(">II", 1, len(context)) + context)
        self.option(GO, name + struct.pack(">H", 0))
        return self

    def send(self, command, offset=0, length=0, payload=b""):
        self.handle += 1
        self.socket.sendall(struct.pack(">IHHQQI", REQUEST_MAGIC, 0, command, self.handle, offset, length) + payload)

    def reply(self):
        """Waits for the next reply; returns the bytes of its payload, which are not looked at."""
        magic, = struct.unpack(">I", self._take(4))
        if magic == SIMPLE_MAGIC:
            error, _ = struct.unpack(">IQ", self._take(12))
            if error:
                raise Failure(f"a neighbour's request failed with error {error}")
            return 0
        total = 0
        while True:
            flags, kind, _, length = struct.unpack(">HHQI", self._take(16))
            self._take(length)
            if kind & CHUNK_ERROR:
                raise Failure("a neighbour's request failed")
            total += length
            if flags & CHUNK_DONE:
                return total
            self._take(4)

    def request(self, command, offset=0, length=0, payload=b""):
        self.send(command, offset, length, payload)
        return self.reply()

    def close(self):
        self.send(DISCONNECT)
        self.socket.close()
