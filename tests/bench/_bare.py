"""The floors of the web benchmarks: the least that Flask can do under the same gunicorn configuration."""

from __future__ import annotations

import os
import tempfile
from queue import Empty, LifoQueue
from typing import Any

import psycopg
from flask import Flask, Response, jsonify, request

from models.settings import Settings

_READ_BYTES = 256 * 1024
_settings = Settings.from_env()
_idle: LifoQueue[psycopg.Connection[Any]] = LifoQueue()

app = Flask("bare")


@app.get("/one/<uuid>")
def one(uuid: str) -> Response:
    try:
        connection = _idle.get_nowait()
    except Empty:
        connection = psycopg.connect(_settings.database_url or "", autocommit=True)
    row: Any = connection.execute(
        "SELECT id, filename, mime_type, size, encode(sha512, 'hex') FROM asset WHERE id = %s", (uuid,)
    ).fetchone()
    _idle.put(connection)
    return jsonify(uuid=str(row[0]), filename=row[1], mimeType=row[2], size=row[3], sha512=row[4])


@app.post("/drop")
def drop() -> str:
    while request.stream.read(_READ_BYTES):
        pass
    return "ok"


@app.post("/write")
def write() -> str:
    """Write to a file and no more: not even synced."""
    with tempfile.NamedTemporaryFile(dir=_settings.home) as file:
        while data := request.stream.read(_READ_BYTES):
            file.write(data)
    return "ok"


@app.post("/sync")
def sync() -> str:
    """Write to a file that is there after a power cut."""
    with tempfile.NamedTemporaryFile(dir=_settings.home) as file:
        while data := request.stream.read(_READ_BYTES):
            file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return "ok"
