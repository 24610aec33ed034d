"""`loom search`: find assets."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import click

from compose.client.api import Api
from compose.client.output import Column, Json
from compose.client.session import LoomCommand, Session, with_session
from compose.client.text import size_text

_COLUMNS = (
    Column("ASSET", lambda hit: hit.get("assetUuid") or hit.get("uuid", "-")),
    Column("SIZE", lambda hit: size_text(hit["size"]) if hit.get("size") is not None else "-", is_number=True),
    Column("TYPE", lambda hit: hit.get("mimeType", "-")),
    Column("TITLE", lambda hit: hit.get("title", "")),
    Column("WHERE", lambda hit: hit.get("subtitle", "")),
)
_PAGE_SIZE = 100


def iter_hits(api: Api, query: str, mime: str | None = None) -> Iterator[Json]:
    """Iterate over the hits, the best first."""
    params = {"q": query, "limit": str(_PAGE_SIZE), **({"mime": mime} if mime else {})}
    cursor: dict[str, str] = {}
    while True:
        page = api.get("/search/assets", **params, **cursor)
        yield from page["data"]
        following = page.get("_metainfo", {}).get("nextCursor")
        if not following or not page["data"] or following == cursor.get("cursor"):
            return
        cursor = {"cursor": following}


def show_hits(session: Session, hits: Iterator[Json]) -> int:
    """Print hits and give their number."""
    return session.output.rows(hits, _COLUMNS)


@click.command(cls=LoomCommand)
@with_session
@click.argument("terms", nargs=-1, required=True)
@click.option("--mime", metavar="PREFIX", help='Only types that begin so, such as "image/".')
@click.option("--limit", type=click.IntRange(min=0), default=25, show_default=True, help="How many at most; 0: all.")
def search(session: Session, terms: tuple[str, ...], mime: str | None, limit: int) -> None:
    """Find assets by words of their name, path, type or text."""
    show_hits(session, islice(iter_hits(session.api, " ".join(terms), mime), limit or None))
