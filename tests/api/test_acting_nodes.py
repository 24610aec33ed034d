"""Nodes that act: tags, collections, places of files; what is refused is the failure of its node alone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from models.bus import WorkerInfo
from models.messages import Queue
from models.permissions import Permission
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.people import make_user, sign_in
from tests.support.platforms import execute, rows
from tests.support.runs import Pooled, Runs, edge, graph, node, only, picture
from workers.nodes.hash_dedup import HashDedupNode


@pytest.fixture
def runs(client: ApiClient, platform: Platform) -> Runs:
    platform.bus.announce(WorkerInfo("w", tuple(Queue)), 60)
    return Runs(client, platform)


def tags_of(runs: Runs, asset: str) -> set[str]:
    return {each["name"] for each in runs.client.get(f"/assets/{asset}/tags")["data"]}


WIDE = {"tag": "wide", "when": [{"port": "struct", "path": "width", "op": "GTE", "value": 200}]}
BY_TYPE = {
    "tag": "a {asset.mimeType}",
    "when": [{"port": "asset", "path": "filename", "op": "MATCHES", "value": "jpg$"}],
}
NEVER = {"tag": "never", "when": [{"port": "text", "op": "EXISTS"}]}


def _tagging(**options: Any) -> dict[str, Any]:
    return graph(
        node("m", "metadata"), node("t", "tag", **options),
        edges=[edge("source", "m"), edge("source", "t", targetPort="media"),
               edge("m", "t", sourcePort="metadata", targetPort="struct")],
    )  # fmt: skip


def test_rules_put_tags_on_and_take_them_off_again(runs: Runs) -> None:
    asset = runs.upload(picture("red"))
    pipeline = runs.make(_tagging(rules=[WIDE, BY_TYPE, NEVER], collection="auto"))
    run = runs.run(pipeline, [asset])
    assert only(runs, run, "t")["outputs"]["applied"] == ["wide", "a image/jpeg"]
    assert tags_of(runs, asset) == {"wide", "a image/jpeg"}
    runs.client.post(f"/assets/{asset}/tags", {"name": "mine"}, expect=201)
    narrower = _tagging(rules=[BY_TYPE], collection="auto", removeWithdrawn=True)
    runs.client.patch(f"/pipelines/{pipeline}", {"definition": narrower})
    runs.run(pipeline, [asset])
    assert tags_of(runs, asset) == {"a image/jpeg", "mine"}, "those of people stay"


def test_a_pattern_that_takes_for_ever_fails_its_node(runs: Runs) -> None:
    asset = runs.upload(picture("red"), "a" * 60 + ".jpg")
    slow = {"tag": "x", "when": [{"port": "asset", "path": "filename", "op": "MATCHES", "value": "^(a|aa)+$"}]}
    run = runs.run(runs.make(graph(node("t", "tag", rules=[slow]))), [asset])
    told = only(runs, run, "t")
    assert (told["state"], "takes too long" in told["errorMessage"]) == ("FAILED", True)
    assert tags_of(runs, asset) == set()


def test_rules_that_cannot_be_read_are_refused_when_they_are_kept(runs: Runs) -> None:
    for rules in ([{"tag": ""}], [{"tag": "x", "when": [{"port": "text", "op": "LIKE"}]}], [{"name": "x"}], "x"):
        runs.client.post("/pipelines", {"name": "p", "definition": graph(node("t", "tag", rules=rules))}, expect=400)
    hints = ("MIME", ""), ("SIZE", "large"), ("DATE", "2024-13-01"), ("TAG", "!"), ("RATING", "many")
    for by, hint in hints[1:]:
        bad = node("f", "filter", filterBy=by, buckets=[{"id": "a", "match": hint}])
        answer = runs.client.post("/pipelines/validate", {"definition": graph(bad)})
        assert [each["nodeId"] for each in answer["errors"]] == ["f"], (by, hint)


@pytest.mark.parametrize("target", ["COLLECTION", "LIBRARY"])
def test_assets_are_assigned_by_name_or_id(runs: Runs, target: str) -> None:
    first, second = runs.upload(picture("red")), runs.upload(picture("blue"), "b.jpg")
    made = graph(node("a", "assign", target=target, targetName="Inbox", onMissing="CREATE"))
    run = runs.run(runs.make(made), [first, second])
    assert (run["status"], run["successCount"]) == ("SUCCESS", 2)
    word = "collections" if target == "COLLECTION" else "libraries"
    (found,) = runs.client.get(f"/{word}")["data"]
    held = runs.client.get(f"/{word}/{found['uuid']}/assets")["data"]
    assert (found["name"], {each["uuid"] for each in held}) == ("Inbox", {first, second})
    missing = runs.make(graph(node("a", "assign", target=target, targetName="Nowhere")), name="q")
    run = runs.run(missing, [first])
    assert (run["status"], only(runs, run, "a")["state"]) == ("FAILED", "FAILED")
    assert "Nowhere" in only(runs, run, "a")["errorMessage"]


def test_a_dry_run_only_says_what_would_be_done(runs: Runs) -> None:
    asset = runs.upload(picture("red"))
    both = graph(
        node("t", "tag", rules=[{"tag": "x"}]), node("a", "assign", targetName="Inbox", onMissing="CREATE")
    )  # fmt: skip
    run = runs.run(runs.make(both), [asset], dryRun=True)
    assert run["status"] == "SUCCESS"
    assert tags_of(runs, asset) == set()
    assert runs.client.get("/collections")["data"] == []


def test_ways_are_chosen_by_date_tag_and_rating(runs: Runs) -> None:
    asset = runs.upload(picture("red"))

    def way(by: str, hint: str) -> str:
        made = graph(node("f", "filter", filterBy=by, buckets=[{"id": "yes", "match": hint}]))
        run = runs.run(runs.make(made, name=f"{by} {hint}"), [asset])
        return str(only(runs, run, "f")["outputs"]["bucket"])

    assert [way("TAG", hint) for hint in ("Beach", "!beach")] == ["other", "yes"]
    assert [way("RATING", hint) for hint in ("unrated", ">=4")] == ["yes", "other"]
    runs.client.post(f"/assets/{asset}/tags", {"name": "beach"}, expect=201)
    runs.client.post(f"/assets/{asset}/reactions", {"type": "STAR", "rating": 4}, expect=201)
    assert [way("TAG", f"{hint},") for hint in ("Beach", "!beach")] == ["yes", "other"]
    assert [way("RATING", hint) for hint in ("unrated, 1", ">=4.0", "3, 4")] == ["other", "yes", "yes"]
    old = timedelta(days=40)
    execute(runs.platform, f"UPDATE asset SET first_seen = now() - interval '{old.days} d'")
    assert [way("DATE", hint) for hint in ("age<30d", "age>1m", ">=2001-01-01", "2001-01-01..2001-02-01")] == [
        "other", "yes", "yes", "other",
    ]  # fmt: skip


def test_a_verdict_of_yesterday_does_not_hold_today(runs: Runs) -> None:
    asset = runs.upload(picture("red"))
    pipeline = runs.make(graph(node("b", "blacklist-check")))
    assert only(runs, runs.run(pipeline, [asset]), "b")["outputs"]["passed"] is True
    runs.client.post("/blacklists", {"assetUuid": asset, "name": "No"}, expect=201)
    told = only(runs, runs.run(pipeline, [asset]), "b")
    assert (told["outputs"]["passed"], told["origin"]) == (False, "COMPUTED")


def test_a_file_is_moved_and_its_location_follows(runs: Runs, tmp_path: Path) -> None:
    pooled = Pooled(runs, tmp_path / "one")
    (tmp_path / "one" / "sorted").mkdir()
    (tmp_path / "one" / "sorted" / "a.jpg").write_bytes(b"taken")
    before = rows(runs.platform, "SELECT id FROM location")
    run = runs.run(runs.make(graph(node("m", "move", targetFolder="sorted"))), [pooled.asset()])
    told = only(runs, run, "m")
    assert (told["outputs"]["flag"], told["outputs"]["path"]) == ("MOVED", "sorted/a-1.jpg")
    assert pooled.places() == {("one", "sorted/a-1.jpg")}
    assert rows(runs.platform, "SELECT id FROM location") == before, "it is the same location"
    assert (tmp_path / "one" / "sorted" / "a.jpg").read_bytes() == b"taken"
    counts = pooled.scan()
    assert (counts["new"], counts["unchanged"], counts["missing"], counts["changed"]) == (1, 1, 0, 0)
    again = runs.run(runs.make(graph(node("m", "move", targetFolder="sorted")), name="again"), [
        each["uuid"] for each in runs.client.get("/assets")["data"] if each["file"]["filename"] == "a.jpg"
        and each["file"]["size"] > 100
    ])  # fmt: skip
    assert only(runs, again, "m")["outputs"]["flag"] == "ALREADY_THERE"


def test_a_file_is_moved_to_another_pool_or_stays_by_the_rules(runs: Runs, tmp_path: Path) -> None:
    one, two = Pooled(runs, tmp_path / "one"), tmp_path / "two"
    two.mkdir()
    pool = runs.client.post("/asset-pools", {"name": "two", "fsPath": str(two)}, expect=201)["uuid"]
    move = {"target": "POOL", "poolUuid": pool, "targetFolder": "in", "layout": "FLAT"}
    dry = runs.run(runs.make(graph(node("m", "move", **move))), [one.asset()], dryRun=True)
    assert only(runs, dry, "m")["outputs"]["flag"] == "DRY_RUN"
    assert one.places() == {("one", "a.jpg")}
    (two / "in").mkdir()
    (two / "in" / "a.jpg").write_bytes(b"taken")
    for conflict, state in (("SKIP", "COMPLETED"), ("FAIL", "FAILED")):
        made = runs.make(graph(node("m", "move", **move, onConflict=conflict)), name=conflict)
        assert only(runs, runs.run(made, [one.asset()]), "m")["state"] == state
    (two / "in" / "a.jpg").unlink()
    runs.run(runs.make(graph(node("m", "move", **move)), name="now"), [one.asset()])
    assert one.places() == {("two", "in/a.jpg")}
    assert (two / "in" / "a.jpg").read_bytes() == picture("red")
    for name, bad in (("up", {"targetFolder": "../up"}), ("no", {"target": "POOL", "poolUuid": "x"})):
        made = runs.make(graph(node("m", "move", **bad)), name=name)
        assert only(runs, runs.run(made, [one.asset()]), "m")["state"] == "FAILED"


def test_copies_are_told(runs: Runs, tmp_path: Path) -> None:
    pooled = Pooled(runs, tmp_path / "one")
    made = runs.make(graph(node("d", "hash-dedup")))
    assert only(runs, runs.run(made, [pooled.asset()]), "d")["outputs"]["passed"] is True
    (tmp_path / "one" / "b.jpg").write_bytes(picture("red"))
    pooled.scan()
    told = only(runs, runs.run(made, [pooled.asset()]), "d")["outputs"]
    assert (told["passed"], told["original"]) == (False, "a.jpg")
    assert [each["path"] for each in told["copies"]] == ["b.jpg"]


def test_who_may_not_move_tag_or_assign_does_not_do_so_by_a_pipeline(runs: Runs, tmp_path: Path) -> None:
    pooled = Pooled(runs, tmp_path / "one")
    asset = pooled.asset()
    may = Permission
    make_user(runs.platform, "eve", [may.READ_ASSET, may.READ_PIPELINE, may.READ_PIPELINE_RUN, may.CREATE_PIPELINE_RUN])
    eve = Runs(sign_in(runs.client.app, "eve"), runs.platform)
    nodes = {
        "m": node("n", "move", targetFolder="sorted"), "t": node("n", "tag", rules=[{"tag": "x"}]),
        "a": node("n", "assign", targetName="Inbox", onMissing="CREATE"),
        "s": node("n", "s3-sink", bucket="s3://b", includeSource=True),
    }  # fmt: skip
    for name, each in nodes.items():
        pipeline = runs.make(graph(each), name=name)
        run = eve.run(pipeline, [asset])
        told = only(eve, run, "n")
        assert (run["status"], told["state"], bool(told["errorMessage"])) == ("FAILED", "FAILED", True), name
    assert (tmp_path / "one" / "a.jpg").exists()
    assert pooled.places() == {("one", "a.jpg")}
    assert tags_of(runs, asset) == set()
    assert runs.client.get("/collections")["data"] == []


def test_what_a_node_raises_is_its_own_failure(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: Any) -> Any:
        raise RuntimeError("a fault of the node")

    monkeypatch.setattr(HashDedupNode, "look", crash)
    asset = runs.upload(picture("red"))
    run = runs.run(runs.make(graph(node("d", "hash-dedup"), node("m", "md5"))), [asset])
    (item,) = runs.items(run)
    done = runs.tasks(run, item)
    assert (done["d"]["state"], done["m"]["state"], item["state"]) == ("FAILED", "COMPLETED", "FAILED")
    assert "a fault of the node" in done["d"]["errorMessage"]
