"""`loom assets`: what is in the catalogue."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path

import click

from compose.client.api import Api, segment
from compose.client.download import download_to_file, download_to_stdout
from compose.client.output import Column, Json
from compose.client.session import LoomGroup, Session, with_session
from compose.client.text import size_text
from models.errors import Conflict

_SHA512 = re.compile("[0-9a-fA-F]{128}")
_COLUMNS = (
    Column("UUID", lambda asset: asset["uuid"]),
    Column("SIZE", lambda asset: size_text(_file(asset).get("size", 0)), is_number=True),
    Column("TYPE", lambda asset: _file(asset).get("mimeType", "-")),
    Column("NAME", lambda asset: _file(asset).get("filename", "-")),
)


def _file(asset: Json) -> Json:
    file: Json = asset.get("file") or {}
    return file


def get_asset(api: Api, uuid_or_sha512: str) -> Json:
    """Load an asset by either of its names."""
    if _SHA512.fullmatch(uuid_or_sha512):
        return api.get(f"/assets/sha512/{uuid_or_sha512.lower()}")
    return api.get(f"/assets/{segment(uuid_or_sha512)}")


@click.group(cls=LoomGroup)
def assets() -> None:
    """What is in the catalogue."""


@assets.command("list")
@with_session
@click.option("--filter", "terms", multiple=True, metavar="TERM", help='Such as "size[gte]=1MB"; may be repeated.')
@click.option("--sort", metavar="KEY", help="Such as uuid, name, created, edited.")
@click.option("--descending", is_flag=True, help="Largest or newest first.")
@click.option("--limit", type=click.IntRange(min=0), default=50, show_default=True, help="How many at most; 0: all.")
def list_assets(session: Session, terms: tuple[str, ...], sort: str | None, *, descending: bool, limit: int) -> None:
    """List assets."""
    order = {"sort": sort} if sort else {}
    direction = {"dir": "DESCENDING"} if descending else {}
    found = session.api.elements("/assets", filter=list(terms), **order, **direction)
    session.output.rows(islice(found, limit or None), _COLUMNS)


@assets.command("show")
@with_session
@click.argument("asset", metavar="UUID-OR-SHA512")
def show(session: Session, asset: str) -> None:
    """Show everything known about an asset."""
    session.output.fields(get_asset(session.api, asset))


@assets.command("download")
@with_session
@click.argument("asset", metavar="UUID-OR-SHA512")
@click.option(
    "-o", "--output", "target", type=click.Path(path_type=Path), help="File or folder to write to; -: stdout."
)
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
def download(session: Session, asset: str, target: Path | None, *, force: bool) -> None:
    """Fetch an asset's bytes and check them against its SHA-512."""
    found = get_asset(session.api, asset)
    if target == Path("-"):
        download_to_stdout(session.api, found)
        return
    file = _target_file(found, target)
    if file.exists() and not force:
        raise Conflict(f"{file} exists already; --force replaces it")
    size = download_to_file(session, found, file)
    session.output.answer({"uuid": found["uuid"], "file": str(file), "size": size}, f"{file}: {size_text(size)}")


def _target_file(asset: Json, target: Path | None) -> Path:
    if target and not target.is_dir():
        return target
    return (target or Path()) / safe_file_name(_file(asset).get("filename", ""), asset["uuid"])


def safe_file_name(name: str, otherwise: str) -> str:
    """Make a server's name fit for this folder: no way out of it, nothing hidden, no control characters."""
    last = re.split(r"[/\\]", name)[-1]
    printable = "".join(letter if letter.isprintable() else "_" for letter in last).lstrip(".").strip()
    # 255 bytes is what file systems allow, less the suffix of the unfinished file.
    return printable.encode("utf-8", "replace")[:240].decode("utf-8", "ignore") or otherwise
