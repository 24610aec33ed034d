"""The kinds of address that webhooks may have, in a process: `python -m tests.support.webhook_endpoints`.

`/ok/3` answers at once, `/slow/1` after a while, and so on (`_ANSWERS`). `POST /secrets` tells the secrets by path, to
check signatures with; `GET /heard` gives all that was heard, `/counts` how much. The first line on standard output has
both ports.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import ssl
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from standardwebhooks import Webhook, WebhookVerificationError

_SLOW_SECONDS, _FLAP_SECONDS, _HANG_SECONDS = 0.05, 4.0, 300.0
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_REASONS = {307: "Temporary Redirect", 410: "Gone", 500: "Internal Server Error", 503: "Service Unavailable"}


def _status(code: int, headers: str = "") -> bytes:
    return f"HTTP/1.1 {code} {_REASONS[code]}\r\n{headers}Content-Length: 0\r\n\r\n".encode()


class Endpoints:
    """What was heard, by path: the ids, the events, when, and whether the signature was good."""

    def __init__(self) -> None:
        self.heard: dict[str, list[list[Any]]] = defaultdict(list)
        self.secrets: dict[str, str] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak HTTP with one client until it has had enough."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                first, *lines = head.decode("latin-1").split("\r\n")
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                await self._answer(first.split()[1], headers, body, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, path: str, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter) -> None:
        if path == "/heard":
            told = json.dumps(self.heard).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(told), told))
        elif path == "/counts":
            told = json.dumps({path: len({each[0] for each in heard}) for path, heard in self.heard.items()}).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(told), told))
        elif path == "/secrets":
            self.secrets = json.loads(body)
            writer.write(_OK)
        else:
            await _ANSWERS[path.split("/")[1]](self, path, headers, body, writer)

    def hear(self, path: str, headers: dict[str, str], body: bytes) -> None:
        """Keep a message."""
        event = json.loads(body)
        self.heard[path].append([headers["webhook-id"], event["id"], time.time(), self._is_signed(path, headers, body),
                                 event["timestamp"], event["uuid"]])  # fmt: skip

    def _is_signed(self, path: str, headers: dict[str, str], body: bytes) -> bool:
        try:
            Webhook(self.secrets[path]).verify(body, headers, json_parse=False)
        except WebhookVerificationError:
            return False
        return True


Answer = Callable[[Endpoints, str, dict[str, str], bytes, asyncio.StreamWriter], Awaitable[None]]


async def _ok(there: Endpoints, path: str, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter) -> None:
    there.hear(path, headers, body)
    writer.write(_OK)


async def _slow(there: Endpoints, path: str, headers: dict[str, str], body: bytes, writer: Any) -> None:
    await asyncio.sleep(_SLOW_SECONDS)
    await _ok(there, path, headers, body, writer)


async def _flapping(there: Endpoints, path: str, headers: dict[str, str], body: bytes, writer: Any) -> None:
    if time.time() % (2 * _FLAP_SECONDS) < _FLAP_SECONDS:
        writer.write(_status(503))
    else:
        await _ok(there, path, headers, body, writer)


async def _redirecting(_: Endpoints, path: str, __: dict[str, str], ___: bytes, writer: Any) -> None:
    writer.write(_status(307, f"Location: /ok{path}\r\n"))


async def _gone(*given: Any) -> None:
    given[-1].write(_status(410))


async def _broken(*given: Any) -> None:
    given[-1].write(_status(500))


async def _hanging(*_: Any) -> None:
    await asyncio.sleep(_HANG_SECONDS)


async def _huge(there: Endpoints, path: str, headers: dict[str, str], body: bytes, writer: Any) -> None:
    there.hear(path, headers, body)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
    for _ in range(64):
        writer.write(b"x" * 65_536)
        await writer.drain()


_ANSWERS: dict[str, Answer] = {
    "ok": _ok, "slow": _slow, "flapping": _flapping, "redirecting": _redirecting, "gone": _gone, "broken": _broken,
    "hanging": _hanging, "huge": _huge,
}  # fmt: skip


def _unknown_certificate() -> ssl.SSLContext:
    """Make a certificate that nobody has reason to believe."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "nobody")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now).not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    plain = serialization.NoEncryption()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "both.pem")
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        context.load_cert_chain(file)
    return context


async def _main() -> None:
    there = Endpoints()
    servers = [
        await asyncio.start_server(there.serve, "127.0.0.1", 0, backlog=512, ssl=tls)
        for tls in (None, _unknown_certificate())
    ]
    print(*(server.sockets[0].getsockname()[1] for server in servers), flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    sys.exit(asyncio.run(_main()))
