"""A run of `tests.support.chaos`, and what must hold at its end."""

from __future__ import annotations

import os
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

from tests.support.chaos import Faults, Load
from tests.support.receivers import Receiver
from tests.support.topology import Topology
from tests.support.waiting import wait_until
from tests.support.web_servers import web_server

_ENDS_SECONDS = 300
_VARIABLES = {"LOOM_TASK_MAX_ATTEMPTS": "50", "LOOM_FETCH_ALLOWED_NETWORKS": "127.0.0.0/8",
              "LOOM_WEBHOOK_RETRY_SECONDS": "1,2,5,10,10,10,10"}  # fmt: skip


def run(folder: Path, seconds: float, seed: int) -> None:
    """Let things go wrong for so long, then see that nothing was lost."""
    media, receiver = folder / "media", Receiver()
    media.mkdir()
    with web_server(receiver) as url, Topology(folder, disk_megabytes=256, hosts=2, **_VARIABLES) as topology:
        load, faults = Load(topology, media), Faults(topology, seed)
        hook = load.insist("POST", "/webhooks", json={"url": url, "triggers": ["TAG_CREATED"]}).json()
        receiver.secret = hook["secretToken"]
        deadline = time.monotonic() + seconds
        with load.at_work(), closing(faults):
            while time.monotonic() < deadline:
                faults.happen()
                time.sleep(1)
            topology.revive()
        _check(topology, load, receiver)
        print(f"\nsurvived in {seconds:.0f} s: {dict(faults.happened.most_common())}; "
              f"{len(load.hashes)} assets, {len(load.files)} files, {len(load.tags)} tags; "
              f"answers {dict(load.answers)}")  # fmt: skip


def _check(topology: Topology, load: Load, receiver: Receiver) -> None:
    _expect_final_states(topology)
    last = topology.wait_for_task(topology.start_scan(load.pool), _ENDS_SECONDS)
    assert (last["state"], last["progress"]["done"]) == ("SUCCEEDED", len(load.files)), last
    rows = topology.query("SELECT encode(sha512, 'hex'), origin, filename FROM asset")
    promised = load.hashes | set(load.files.values())
    lost, unasked = promised - {row[0] for row in rows}, [tuple(row) for row in rows if row[0] not in promised]
    assert (lost, unasked, len(rows)) == (set(), [], len(promised)), (len(lost), unasked, len(rows), len(promised))
    places = topology.query(
        "SELECT path, encode(sha512, 'hex') FROM location JOIN asset ON asset.id = asset_id WHERE state = 'PRESENT'"
    )
    assert {os.fsdecode(bytes(path)): sha512 for path, sha512 in places} == load.files, "the pool"
    wait_until(lambda: topology.ask("GET", "/search/status").json().get("documentCount") == len(rows), _ENDS_SECONDS)
    # Each tag was told of to the webhook, at least once, and on the stream, in the order of the log.
    assert Counter(load.tags).most_common(1)[0][1] == 1
    wait_until(lambda: {heard.body["uuid"] for heard in receiver.heard} >= set(load.tags), _ENDS_SECONDS)
    assert {tag for _, tag in load.streamed} == set(load.tags)
    log = topology.query("SELECT id FROM event WHERE type = 'tag.created' ORDER BY event.xid, event.id")
    first = list(dict.fromkeys(number for number, _ in load.streamed))
    assert first == [number for (number,) in log]


def _expect_final_states(topology: Topology) -> None:
    wait_until(lambda: not topology.query("SELECT 1 FROM task WHERE finished IS NULL LIMIT 1"), _ENDS_SECONDS)
    states = dict(topology.query("SELECT state, count(*) FROM task GROUP BY 1"))
    assert set(states) == {"SUCCEEDED"}, topology.query(
        "SELECT kind, state, error_code, error_message FROM task WHERE state <> 'SUCCEEDED' LIMIT 5"
    )
    assert topology.query("SELECT count(*) FROM task WHERE total <> done + failed + skipped")[0][0] == 0
    assert topology.query("SELECT count(*) FROM task_part WHERE state IN ('READY', 'RUNNING', 'WAITING')")[0][0] == 0
