"""One upload of 5 GiB that is cut off twenty times, against the same bytes sent at once, in the same run.

Connections end now with a farewell, now by a reset, at random places; the client asks how far it is and goes on. The
task that stores the file is run here, and timed apart: after cuts it has to put the pieces together.
"""

from __future__ import annotations

import hashlib
import os
import random
import socket
import struct
import time
from collections.abc import Iterator

import httpx

from models.messages import STORE_BINARY
from models.wiring import Platform
from tests.bench.upload import memory_of, sign_in
from tests.support.serving import fresh_platform, served
from workers.inline import run_one

SIZE = 5 * 1024**3
CUTS = 20
BLOCK = os.urandom(64 * 1024**2)
SEND = 1024**2
TYPE = "application/offset+octet-stream"


def main() -> None:
    """Print how the upload went."""
    with fresh_platform() as (platform, log), served("web.wsgi:app", platform.settings, log) as port:
        token, idle = sign_in(port), memory_of(port, "VmRSS")
        begin = time.perf_counter()
        _send_at_once(port, token)
        whole = time.perf_counter() - begin
        _work(platform, "sent at once", whole)
        _forget(platform)
        begin = time.perf_counter()
        _send_with_cuts(port, token)
        resumed = time.perf_counter() - begin
        print(f"web process: {idle / 1e6:,.0f} MB idle, at most {(memory_of(port) - idle) / 1e6:,.0f} MB more")
        _work(platform, f"cut off {CUTS} times", resumed)
        _require_right(platform)


def _bytes(start: int, end: int) -> Iterator[memoryview]:
    """Give a part of the file: the same block again and again, each megabyte with its number in front."""
    block = memoryview(BLOCK)
    while start < end:
        number, within = divmod(start, SEND)
        of_block = number * SEND % len(BLOCK)
        data = number.to_bytes(8) + block[of_block + 8 : of_block + SEND]
        yield memoryview(data)[within : within + end - start]
        start += SEND - within


def _send_at_once(port: int, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}", "Content-Length": str(SIZE)}
    url = f"http://127.0.0.1:{port}/api/v1/assets/upload?filename=a"
    answer = httpx.post(url, content=(bytes(data) for data in _bytes(0, SIZE)), headers=headers, timeout=600)
    assert answer.status_code == 202, answer.text


def _send_with_cuts(port: int, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}", "Tus-Resumable": "1.0.0"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=600) as api:
        path = api.post("/api/v1/uploads", headers={"Upload-Length": str(SIZE)}).headers["Location"]
        cuts = sorted(random.Random(1).sample(range(SIZE), CUTS))
        for cut in cuts:
            offset = int(api.head(path).headers["Upload-Offset"])
            if cut > offset:
                _send_some(port, headers, path, offset, cut)
        offset = int(api.head(path).headers["Upload-Offset"])
        more = {"Upload-Offset": str(offset), "Content-Type": TYPE, "Content-Length": str(SIZE - offset)}
        answer = api.patch(path, content=(bytes(data) for data in _bytes(offset, SIZE)), headers=more)
        assert answer.status_code == 204, answer.text


def _send_some(port: int, headers: dict[str, str], path: str, offset: int, cut: int) -> None:
    given = {**headers, "Host": "loom", "Content-Type": TYPE, "Content-Length": str(SIZE - offset),
             "Upload-Offset": str(offset)}  # fmt: skip
    lines = [f"PATCH {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items()), "", ""]
    with socket.create_connection(("127.0.0.1", port), 600) as connection:
        if cut % 2:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.sendall("\r\n".join(lines).encode())
        for data in _bytes(offset, cut):
            try:
                connection.sendall(data)
            except OSError:
                raise AssertionError(connection.recv(65536)) from None


def _work(platform: Platform, name: str, seconds: float) -> None:
    begin = time.perf_counter()
    while run_one(platform, STORE_BINARY.queue):
        pass
    took = time.perf_counter() - begin
    print(f"{name:20} {SIZE / seconds / 1e6:8,.0f} MB/s, then stored in {took:.1f} s", flush=True)


def _forget(platform: Platform) -> None:
    """Let the second upload store the same bytes anew."""
    with platform.unit_of_work() as uow:
        uow.execute("DELETE FROM asset")
        keys = [row[0] for row in uow.execute("DELETE FROM blob RETURNING encode(sha512, 'hex')")]
        uow.commit()
    for key in keys:
        platform.blobs.delete(f"{str(key)[:2]}/{str(key)[2:4]}/{key}")
    os.sync()


def _require_right(platform: Platform) -> None:
    hasher = hashlib.sha512()
    for data in _bytes(0, SIZE):
        hasher.update(data)
    with platform.reading() as uow:
        rows = uow.fetch("SELECT encode(sha512, 'hex'), size FROM asset")
    assert rows == [(hasher.hexdigest(), SIZE)], rows
    print("one asset, with the right hash")


if __name__ == "__main__":
    main()
