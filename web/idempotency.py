"""`Idempotency-Key`: a POST that carries one is carried out once, however often it is sent.

The same key with the same request gives the stored answer; with another request it is refused (422), and while the
first still runs, it is a conflict (409). Keys belong to the user and the space. Only successes are kept: what was
refused or failed has had no effect and may be sent again. The body is hashed as it is read, so uploads stream.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from threading import Event, Thread
from typing import Any

from flask import Response, current_app, request
from flask.typing import ResponseReturnValue

from models.errors import Conflict, InvalidInput, Mismatch
from models.permissions import Actor
from models.services.idempotency import LEASE_SECONDS, Known, Receipt
from models.unit_of_work import UnitOfWork
from web.state import platform

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
_LONGEST_KEY = 255
_LARGEST_BODY = 1024**2
"""A larger answer is not kept."""
_KEPT_HEADERS = ("Content-Type", "Location", "ETag", "Retry-After", "Preference-Applied")
_READ_BYTES = 256 * 1024


def read_key() -> str | None:
    """Give the key of the request at hand, if it has one that counts.

    Raises:
        InvalidInput: when it is no key.
    """
    if request.method != "POST" or HEADER not in request.headers:
        return None
    key = request.headers[HEADER].strip().strip('"')
    if not key or len(key) > _LONGEST_KEY or not (key.isascii() and key.isprintable()):
        raise InvalidInput(f"{HEADER}: is not 1 to {_LONGEST_KEY} printable characters")
    return key


def once(actor: Actor, key: str, run: Callable[[UnitOfWork], ResponseReturnValue]) -> Response:
    """Carry the request at hand out, or answer as it was answered before.

    Raises:
        Conflict: while it still runs, or when it has run but its answer was not kept.
        Mismatch: when the key was used for another request.
    """
    receipt, body = Receipt(actor, key), _hash_body()
    with platform().unit_of_work() as uow:
        known = receipt.begin(uow)
        uow.commit()
    if known is not None:
        return _replay(known, body)
    try:
        with _renewing(receipt), platform().unit_of_work() as uow:
            receipt.attach(uow)
            answer = current_app.make_response(run(uow))
    except BaseException:
        _write(receipt.forget)
        raise
    _keep(receipt, body, answer)
    return answer


def _keep(receipt: Receipt, body: _HashedBody, answer: Response) -> None:
    if answer.status_code >= HTTPStatus.BAD_REQUEST:
        _write(receipt.forget)
        return
    headers = {name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers}
    is_kept = not answer.cache_control.no_store and (answer.calculate_content_length() or 0) <= _LARGEST_BODY
    kept = answer.get_data() if is_kept else None
    _write(lambda uow: receipt.finish(uow, body.digest(), answer.status_code, headers, kept))


def _write(change: Callable[[UnitOfWork], None]) -> None:
    with platform().unit_of_work() as uow:
        change(uow)
        uow.commit()


def _replay(known: Known, body: _HashedBody) -> Response:
    if known.state == "RUNNING" or (known.state == "COMMITTED" and known.is_running):
        raise Conflict("The request with this key still runs; ask again later", code="idempotency-running")
    if known.digest is not None and known.digest != body.digest():
        raise Mismatch(f"{HEADER}: was used for another request")
    if known.status is None or known.body is None:
        raise Conflict("The request was carried out, but its answer was not kept", code="idempotency-answer-gone")
    answer = Response(known.body, status=known.status)
    answer.headers.update({**(known.headers or {}), REPLAYED: "true"})
    return answer


@contextmanager
def _renewing(receipt: Receipt) -> Iterator[None]:
    """Keep the lease of a request that takes long."""
    ended, engines = Event(), platform()

    def renew() -> None:
        while not ended.wait(LEASE_SECONDS / 3):
            with engines.unit_of_work() as uow:
                receipt.renew(uow)
                uow.commit()

    thread = Thread(target=renew, name="idempotency-lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _hash_body() -> _HashedBody:
    body = _HashedBody(request.environ["wsgi.input"])
    request.environ["wsgi.input"] = body
    return body


class _HashedBody:
    """The body of a request, hashed as it is read; has what Werkzeug and the server's readers need of a stream."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        target = f"{request.method}\0{request.path}\0{request.query_string.decode('latin-1')}\0"
        # Keyed: bodies hold passwords, and whoever reads the table could check a guess against a plain hash.
        self._hash = hmac.new(platform().settings.signing_key.encode(), target.encode(), "sha256")

    def read(self, size: int = -1) -> bytes:
        """Read so many bytes, or all."""
        data: bytes = self._inner.read(size)
        self._hash.update(data)
        return data

    def readline(self, size: int = -1) -> bytes:
        """Read a line."""
        data: bytes = self._inner.readline(size)
        self._hash.update(data)
        return data

    def digest(self) -> bytes:
        """Give the hash of the whole request: what nobody has read yet is read now."""
        while request.stream.read(_READ_BYTES):
            pass
        return self._hash.digest()
