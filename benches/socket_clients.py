"""Sockets that cost little beside the servers: read without a library, counted, not kept.

In: a port and a path. Out: the text frames that came, and for a crowd how many of each message, in
whose order of numbers nothing is missed and nothing comes twice.
"""

from __future__ import annotations

import base64
import os
import re
import select
import socket
import struct
import time
from dataclasses import dataclass, field

WAIT_SECONDS = 120
SEQ = re.compile(rb'"seq":(\d+)')
MASK = b"\x01\x02\x03\x04"


def require(holds: bool, what: str) -> None:
    """Ends the bench: figures of a server that does not do it are worth nothing."""
    if not holds:
        raise AssertionError(what)


class Client:
    """One WebSocket, read without a library: text frames are counted, and kept where asked."""

    def __init__(self, port: int, path: str, headers: dict[str, str]) -> None:
        self.wire = socket.create_connection(("127.0.0.1", port), timeout=WAIT_SECONDS)
        self.buffer = bytearray()
        lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Connection: Upgrade"]
        lines += ["Upgrade: websocket", "Sec-WebSocket-Version: 13"]
        lines += [f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.wire.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        while b"\r\n\r\n" not in self.buffer:
            self.more()
        head, _, rest = bytes(self.buffer).partition(b"\r\n\r\n")
        require(head.startswith(b"HTTP/1.1 101"), f"no socket: {head!r}")
        self.buffer = bytearray(rest)

    def more(self) -> None:
        data = self.wire.recv(1 << 18)
        if not data:
            raise ConnectionError("the server closed a connection")
        self.buffer += data

    def send(self, text: str) -> None:
        payload = text.encode()
        size = len(payload)
        head = bytes([0x81, 0x80 | size]) if size < 126 else struct.pack("!BBH", 0x81, 0xFE, size)
        masked = bytes(byte ^ MASK[at % 4] for at, byte in enumerate(payload))
        self.wire.sendall(head + MASK + masked)

    def frames(self) -> list[bytes]:
        """The whole text frames that have come; pings are answered."""
        found, at, buffer = [], 0, self.buffer
        while len(buffer) - at >= 2:
            size, start = buffer[at + 1] & 0x7F, at + 2
            if size == 126:
                size, start = int.from_bytes(buffer[at + 2 : at + 4], "big"), at + 4
            elif size == 127:
                size, start = int.from_bytes(buffer[at + 2 : at + 10], "big"), at + 10
            if len(buffer) < start + size:
                break
            payload, kind = bytes(buffer[start : start + size]), buffer[at] & 0x0F
            if kind == 9:
                self.wire.sendall(bytes([0x8A, 0x80 | size]) + MASK + payload)
            elif kind == 8:
                raise ConnectionError(f"closed: {payload!r}")
            elif payload == b"2":
                self.send("3")  # the heartbeat of engine.io
            else:
                found.append(payload)
            at = start + size
        del buffer[:at]
        return found

    def next(self) -> bytes:
        while not (found := self.frames()):
            self.more()
        require(len(found) == 1, f"one frame was expected: {found}")
        return found[0]

    def until(self, part: bytes) -> None:
        while not any(part in frame for frame in self.frames()):
            self.more()


@dataclass
class Crowd:
    """All connections, and what each has heard."""

    rooms: list[str]
    clients: list[Client] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    last: list[int] = field(default_factory=list)

    def add(self, client: Client, last: int = 0) -> None:
        """One more; the next number it hears is the one after `last`, or any if that is 0."""
        self.clients.append(client)
        self.counts.append(0)
        self.last.append(last)

    def part(self, chosen: list[int]) -> Crowd:
        """Some of them, who go on from where they are."""
        part = Crowd(self.rooms)
        for at in chosen:
            part.add(self.clients[at], self.last[at])
        return part

    def are_each(self, count: int) -> None:
        """Ends the bench unless everybody heard that many."""
        others = [had for had in self.counts if had != count]
        require(not others, f"{len(others)} had {others[:5]} in place of {count}")

    def room(self, index: int) -> str:
        return self.rooms[index % len(self.rooms)]

    def hear(self, mark: bytes, wanted: int) -> None:
        """Reads until so many messages with the mark have come, over all connections."""
        poll = select.epoll()
        by_file = {client.wire.fileno(): at for at, client in enumerate(self.clients)}
        for file in by_file:
            poll.register(file, select.EPOLLIN)
        seen, deadline = 0, time.monotonic() + WAIT_SECONDS
        while seen < wanted:
            require(time.monotonic() < deadline, f"{seen} of {wanted} deliveries came in time")
            for file, _ in poll.poll(1.0):
                at = by_file[file]
                self.clients[at].more()
                for frame in self.clients[at].frames():
                    if mark in frame:
                        seen += 1
                        self.note(at, frame)
        poll.close()

    def note(self, at: int, frame: bytes) -> None:
        self.counts[at] += 1
        found = SEQ.search(frame, frame.rindex(b'"ts"')) if b'"ts"' in frame else None
        if found and (seq := int(found[1])):
            before = self.last[at]
            require(before == 0 or seq == before + 1, f"{seq} came after {before}")
            self.last[at] = seq
