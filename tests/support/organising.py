"""Assets, and requests about what they belong to, for tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Barrier, Thread
from typing import Any
from uuid import UUID

from models.ids import new_id
from models.wiring import Platform
from tests.support.client import ApiClient


def make_assets(platform: Platform, space_id: UUID, count: int) -> list[str]:
    """Make assets with names `0`, `1` and so on; gives their uuids, which rise."""
    ids = [new_id() for _ in range(count)]
    with platform.unit_of_work() as uow:
        uow.execute(
            """INSERT INTO asset (id, space_id, sha512, size, mime_type, filename, origin)
               SELECT id, :space, sha512(id::text::bytea), 1, 'text/plain', CAST(n - 1 AS text), 'test'
               FROM unnest(CAST(:ids AS uuid[])) WITH ORDINALITY AS new (id, n)""",
            space=space_id,
            ids=ids,
        )
        uow.commit()
    return [str(key) for key in ids]


def put_into_pool(platform: Platform, pool: str, asset_ids: Sequence[str], copies: int = 1) -> None:
    """Let assets have places in a pool, so many each."""
    with platform.unit_of_work() as uow:
        uow.execute(
            """INSERT INTO location (id, pool_id, asset_id, path, device, inode, size, mtime_ns, ctime_ns)
               SELECT gen_random_uuid(), :pool, id, (id::text || '/' || n)::bytea, 1, 1, 1, 0, 0
               FROM unnest(CAST(:ids AS uuid[])) AS new (id), generate_series(1, :copies) AS n""",
            pool=pool,
            ids=list(asset_ids),
            copies=copies,
        )
        uow.commit()


def events_about(platform: Platform, kind: str) -> list[str]:
    """Give the subjects of all events of a kind so far, and forget these."""
    with platform.unit_of_work() as uow:
        rows = uow.execute("DELETE FROM event WHERE type = :kind RETURNING subject_id", kind=kind).all()
        uow.commit()
    return sorted(str(row[0]) for row in rows)


def uuids(page: Any) -> list[str]:
    """Give the uuids of a page, or of a list of elements."""
    return [element["uuid"] for element in (page["data"] if isinstance(page, dict) else page)]


def at_once(requests: Sequence[Callable[[], Any]]) -> list[Any]:
    """Make all requests at the same time; gives their outcomes."""
    barrier, outcomes = Barrier(len(requests)), [None] * len(requests)

    def run(number: int) -> None:
        barrier.wait(60)
        outcomes[number] = requests[number]()

    threads = [Thread(target=run, args=(number,)) for number in range(len(requests))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def status_of(client: ApiClient, method: str, path: str, body: Any = None) -> int:
    """Make a request whose outcome is not known before; gives its status."""
    return client.request(method, path, body).status_code


def make_tag(client: ApiClient, name: str) -> str:
    """Make a tag by the API; gives its uuid."""
    return str(client.post("/tags", {"name": name, "collection": "colors"}, expect=201)["uuid"])
