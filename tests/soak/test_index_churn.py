"""The text index after a week in minutes: 200,000 changes of 10,000 assets, while the indexer is killed 50 times.

Afterwards the index has what PostgreSQL has, no more and no less, and takes at most three times the room of one that is
built anew.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from uuid import UUID

import orjson
import pytest

from models.search import IndexHome, SearchQuery, SearchSort, TantivyReader
from tests.support.running_loom import RunningLoom
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(3600)]
ASSETS, BATCHES, CHANGES, DEATHS = 10_000, 100, 200_000, 50
_UPDATED, _REPLACED = 5_000, 5
"""In each round: assets that are changed, and batches that are removed and made anew."""
_PAGE = 1000
_ROOM = 3


class Churn:
    """Changes assets by bulk requests, and knows what must be there."""

    def __init__(self, loom: RunningLoom) -> None:
        self.loom, self.chance = loom, random.Random(11)
        self.names: dict[str, str] = {}
        self.batches: list[list[str]] = [[] for _ in range(BATCHES)]
        self.changes = 0

    def fill(self, batch: int) -> None:
        """Make the assets of a batch, with contents that never were."""
        made = [hashlib.sha512(self.chance.randbytes(16)).hexdigest() for _ in range(ASSETS // BATCHES)]
        items = [{"hashes": {"sha512": sha512},
                  "file": {"filename": self._rename(sha512), "mimeType": "text/plain", "size": 1,
                           "origin": f"batch-{batch}"}} for sha512 in made]  # fmt: skip
        self._post("create", items)
        self.batches[batch] = made

    def change(self) -> None:
        """Give many another name."""
        chosen = self.chance.sample(sorted(self.names), _UPDATED)
        self._post("update", [{"hashes": {"sha512": each}, "update": {"file": {"filename": self._rename(each)}}}
                              for each in chosen])  # fmt: skip

    def replace(self, batch: int) -> None:
        """Remove a batch, and make another one in its place."""
        answer = self.loom.ask("POST", "/assets/bulk/delete", json={"filter": [f"origin[eq]=batch-{batch}"]})
        self._end(answer.json()["uuid"], len(self.batches[batch]))
        for each in self.batches[batch]:
            del self.names[each]
        self.fill(batch)

    def _rename(self, sha512: str) -> str:
        self.names[sha512] = f"{self.chance.choice('abcdefgh')} {self.changes} {self.chance.getrandbits(40):x}.txt"
        return self.names[sha512]

    def _post(self, verb: str, items: list[dict[str, object]]) -> None:
        body = b"\n".join(map(orjson.dumps, items))
        headers = {"Content-Type": "application/x-ndjson"}
        answer = self.loom.ask("POST", f"/assets/bulk/{verb}", content=body, headers=headers)
        assert answer.status_code == 202, answer.text
        self._end(answer.json()["uuid"], len(items))

    def _end(self, task: str, items: int) -> None:
        ended = self.loom.wait_for_task(task, 300)
        assert ended["state"] == "SUCCEEDED", ended
        self.changes += items


def test_the_index_equals_the_database_and_does_not_grow(tmp_path: Path) -> None:
    with RunningLoom(tmp_path) as loom:
        churn, enough = Churn(loom), Event()
        killer = Thread(target=_kill_indexers, args=(loom, enough))
        for batch in range(BATCHES):
            churn.fill(batch)
        killer.start()
        begun = time.monotonic()
        while churn.changes < CHANGES or not enough.is_set():
            churn.change()
            for batch in churn.chance.sample(range(BATCHES), _REPLACED):
                churn.replace(batch)
        killer.join()
        print(f"{churn.changes:,} changes in {time.monotonic() - begun:.0f} s, {DEATHS} deaths of the indexer")
        loom.wait_for_index(300)
        reader = TantivyReader(loom.home.index)
        (space,) = loom.query("SELECT id FROM space WHERE name = 'default'")[0]
        wait_until(lambda: reader.document_count() == ASSETS, 30)
        rows = loom.query("SELECT encode(sha512, 'hex'), CAST(id AS text), filename FROM asset")
        assert {row[0]: row[2] for row in rows} == churn.names
        assert dict(_documents(reader, space)) == {row[1]: row[2] for row in rows}
        _expect_room(loom)


def _kill_indexers(loom: RunningLoom, enough: Event) -> None:
    chance = random.Random(12)
    for _ in range(DEATHS):
        time.sleep(chance.uniform(0.5, 4))
        loom.kill("compose.cli", "indexer")
    enough.set()


def _documents(reader: TantivyReader, space: UUID) -> Iterator[tuple[str, str]]:
    """All that the index has, page by page."""
    after = None
    while True:
        query = SearchQuery(space, "", _PAGE, sort=SearchSort.OLDEST, after=after)
        page = reader.search(query)
        if not page.hits:
            return
        yield from ((str(hit.asset_id), hit.title) for hit in page.hits)
        after = page.last_key


def _expect_room(loom: RunningLoom) -> None:
    """Compare the room that is taken now with that of an index that is built anew."""
    now = _room(loom)
    task = loom.ask("POST", "/tasks", json={"kind": "search.reindex", "payload": {}}).json()["uuid"]
    assert loom.wait_for_task(task, 300)["state"] == "SUCCEEDED"
    loom.wait_for_index()
    anew = _room(loom)
    print(f"index after churn: {now / 2**20:.1f} MiB, built anew: {anew / 2**20:.1f} MiB")
    assert now <= _ROOM * anew


def _room(loom: RunningLoom) -> int:
    generation = IndexHome(loom.home.index).current()
    assert generation is not None
    return sum(path.stat().st_size for path in generation.segments.iterdir())
