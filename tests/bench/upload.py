"""Uploads against bare Flask sinks under the same gunicorn configuration, in the same run.

One sink drops the body, one writes it to a file, one also syncs it, which is what Loom promises with its 202. The
client sends from memory. Hashing is the worker's part and not measured here. Rounds alternate; figures are medians.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psutil

from models.storage import BlobStore
from tests.support.serving import fresh_platform, served
from tests.support.settings import PASSWORD

SIZES = {"512 MiB": 512 * 1024**2, "16 MiB": 16 * 1024**2, "64 KiB": 64 * 1024}
REPEATS = {"512 MiB": 1, "16 MiB": 8, "64 KiB": 100}
ROUNDS = 3
BLOCK = os.urandom(1024**2)
START = b'--XX\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
END = b"\r\n--XX--\r\n"
RAW = {"Content-Type": "application/octet-stream"}
FORM = {"Content-Type": "multipart/form-data; boundary=XX"}


def main() -> None:
    """Print the rates and their ratios."""
    with fresh_platform() as (platform, log):
        settings = platform.settings
        with served("web.wsgi:app", settings, log) as loom, served("tests.bench._bare:app", settings, log) as bare:
            for name, size in SIZES.items():
                _compare(name, size, loom, bare, platform.blobs)
            print(f"largest web process: {memory_of(loom) / 1e6:,.0f} MB", flush=True)


def _compare(name: str, size: int, loom: int, bare: int, store: BlobStore) -> None:
    upload = f"http://127.0.0.1:{loom}/api/v1/assets/upload?filename=a"
    targets = {
        "sink that drops": (f"http://127.0.0.1:{bare}/drop", RAW),
        "sink that writes": (f"http://127.0.0.1:{bare}/write", RAW),
        "sink that syncs": (f"http://127.0.0.1:{bare}/sync", RAW),
        "Loom, raw body": (upload, RAW),
        "Loom, form": (upload, FORM),
    }
    rates: dict[str, list[float]] = {}
    token = {"Authorization": f"Bearer {sign_in(loom)}"}
    for _ in range(ROUNDS):
        for target, (url, headers) in targets.items():
            rate = _rate(url, {**headers, **token}, size, REPEATS[name])
            rates.setdefault(target, []).append(rate)
            _clear(store)
    found = {target: statistics.median(each) for target, each in rates.items()}
    print(f"uploads of {name}:")
    for target, rate in found.items():
        ratios = "".join(
            f"   {rate / found[f'sink that {verb}']:.2f} of {verb}" for verb in ("drops", "writes", "syncs")
        )
        print(f"  {target:18} {rate / 1e6:8,.1f} MB/s{ratios}", flush=True)


def sign_in(port: int) -> str:
    body = {"username": "admin", "password": PASSWORD}
    return str(httpx.post(f"http://127.0.0.1:{port}/api/v1/auth/login", json=body, timeout=60).json()["token"])


def _rate(url: str, headers: dict[str, str], size: int, repeats: int) -> float:
    is_form = headers["Content-Type"] != RAW["Content-Type"]
    length = size + (len(START) + len(END) if is_form else 0)
    with httpx.Client(headers={**headers, "Content-Length": str(length)}, timeout=300) as client:
        begin = time.perf_counter()
        for _ in range(repeats):
            answer = client.post(url, content=_body(size, is_form=is_form))
            assert answer.is_success, answer.text
        return size * repeats / (time.perf_counter() - begin)


def _body(size: int, *, is_form: bool) -> Iterator[bytes]:
    if is_form:
        yield START
    for start in range(0, size, len(BLOCK)):
        yield BLOCK[: size - start]
    if is_form:
        yield END


def _clear(store: BlobStore) -> None:
    """Make room; what the disk still has to write for one target must not slow down the next."""
    for key in list(store.iter_staged(datetime.now(UTC) + timedelta(days=1))):
        store.delete(key)
    os.sync()


def memory_of(port: int, which: str = "VmHWM") -> int:
    """Give the most bytes that a process which listens on the port has ever had in memory, or (`VmRSS`) has now."""
    listening = {
        each.pid for each in psutil.net_connections("tcp") if each.laddr and each.laddr.port == port and each.pid
    }
    return max(_status(pid, which) for pid in listening)


def _status(pid: int, which: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(which))


if __name__ == "__main__":
    main()
