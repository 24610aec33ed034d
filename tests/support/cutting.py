"""A line to a server that breaks: connections end after so many bytes, a number of times."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread

_BLOCK = 64 * 1024


class CuttingLine:
    """Forwards connections; while `cuts` are left, one that has carried `most_bytes` up is cut."""

    def __init__(self, target: int, most_bytes: int, cuts: int) -> None:
        self._target, self._most_bytes, self.cuts = target, most_bytes, cuts
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def serve(self) -> None:
        """Accept until `close`."""
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                Thread(target=self._carry, args=(client,), daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _carry(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._target)) as server:
            Thread(target=_pump, args=(server, client), daemon=True).start()
            carried = 0
            with suppress(OSError):
                while data := client.recv(_BLOCK):
                    server.sendall(data)
                    carried += len(data)
                    if carried > self._most_bytes and self.cuts:
                        self.cuts -= 1
                        break
            for each in (client, server):
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(_BLOCK):
            target.sendall(data)


@contextmanager
def cutting_line(target: int, most_bytes: int, cuts: int) -> Iterator[CuttingLine]:
    """Give such a line to a port of this machine."""
    line = CuttingLine(target, most_bytes, cuts)
    thread = Thread(target=line.serve, daemon=True)
    thread.start()
    try:
        yield line
    finally:
        line.close()
        thread.join(5)
