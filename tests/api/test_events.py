"""The log of events as a list and as a stream: in order, within rights, and to be gone on with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask

from models.permissions import Permission
from models.wiring import Platform
from scheduler.relay import EventRelay
from tests.support.client import ApiClient
from tests.support.organising import make_tag
from tests.support.people import make_user, sign_in
from tests.support.serving import served
from tests.support.settings import PASSWORD
from tests.support.working import meanwhile

_STREAM = {"Accept": "text/event-stream"}


def test_the_log_can_be_read_on_from_anywhere(client: ApiClient) -> None:
    begin = client.get("/events", query_string={"limit": 1000})["lastId"]
    tags = [make_tag(client, name) for name in ("a", "b", "c")]
    asked = {"since": begin, "type": "tag.created", "limit": 2}
    page = client.get("/events", query_string=asked)
    assert [event["uuid"] for event in page["data"]] == tags[:2]
    told = {"id", "channel", "type", "uuid", "space", "timestamp", "data", "actor", "traceId"}
    assert page["data"][0].keys() == told
    rest = client.get("/events", query_string={**asked, "since": page["lastId"]})
    assert [event["uuid"] for event in rest["data"]] == tags[2:]
    end = client.get("/events", query_string={**asked, "since": rest["lastId"]})
    assert (end["data"], end["lastId"]) == ([], rest["lastId"])


def test_only_what_one_may_hear_of_is_listed(app: Flask, client: ApiClient, platform: Platform) -> None:
    make_user(platform, "half", [Permission.READ_TAG])
    make_tag(client, "seen")
    client.post("/libraries", {"name": "unseen"}, expect=201)
    found = sign_in(app, "half").get("/events", query_string={"limit": 1000})["data"]
    assert {event["channel"] for event in found} == {"TAG"}


def test_who_did_what_is_told_to_those_who_may_read_users(app: Flask, client: ApiClient, platform: Platform) -> None:
    jane = make_user(platform, "jane", [Permission.CREATE_TAG, Permission.READ_TAG])
    begin = client.get("/events", query_string={"limit": 1000})["lastId"]
    hers, mine = make_tag(sign_in(app, "jane"), "hers"), make_tag(client, "mine")
    both = client.get("/events", query_string={"since": begin, "type": "tag.created"})["data"]
    assert [(event["uuid"], event["actor"]["name"]) for event in both] == [(hers, "jane"), (mine, "admin")]
    asked = {"since": begin, "actor": str(jane.user_id)}
    assert [event["uuid"] for event in client.get("/events", query_string=asked)["data"]] == [hers]
    about = client.get("/events", query_string={"since": begin, "uuid": mine})["data"]
    assert [event["uuid"] for event in about] == [mine]
    assert all("actor" not in event for event in sign_in(app, "jane").get("/events")["data"])
    sign_in(app, "jane").get("/events", query_string=asked, expect=403)
    client.get("/events", query_string={"actor": "x"}, expect=400)


def test_much_of_the_log_may_be_about_other_spaces(client: ApiClient, platform: Platform) -> None:
    begin = client.get("/events", query_string={"limit": 1000})["lastId"]
    with platform.unit_of_work() as uow:
        uow.execute(
            """INSERT INTO event (type, space_id, subject_id, data)
               SELECT 'tag.created', gen_random_uuid(), gen_random_uuid(), '{}' FROM generate_series(1, 12000)"""
        )
        uow.commit()
    tag = make_tag(client, "mine")
    page = client.get("/events", query_string={"since": begin})
    assert page["data"] == []
    assert page["lastId"] > begin
    page = client.get("/events", query_string={"since": page["lastId"]})
    assert [event["uuid"] for event in page["data"]] == [tag]


@pytest.mark.parametrize(("since", "status"), [("x", 400), ("-1", 400), ("9" * 18, 410)])
def test_a_since_that_means_nothing(client: ApiClient, since: str, status: int) -> None:
    client.get("/events", query_string={"since": since}, expect=status)
    client.get("/events", query_string={"since": since}, headers=_STREAM, expect=status)


def test_a_stream_needs_a_token_that_counts(client: ApiClient) -> None:
    client.anonymous().get("/events", headers=_STREAM, expect=401)
    client.anonymous().get("/events", headers=_STREAM, query_string={"token": "loom_nonsense"}, expect=401)


@pytest.fixture
def address(platform: Platform, tmp_path: Path) -> Iterator[str]:
    platform.settings.home.mkdir(exist_ok=True)
    with served("web.wsgi:app", platform.settings, tmp_path / "web.log") as port, _relayed(platform):
        yield f"http://127.0.0.1:{port}/api/v1"
    assert "Traceback" not in (tmp_path / "web.log").read_text()


@contextmanager
def _relayed(platform: Platform) -> Iterator[None]:
    relay = EventRelay(platform)
    with meanwhile(lambda: relay.run_once() and None):
        yield


@contextmanager
def _listen(address: str, headers: dict[str, str] | None = None, **options: Any) -> Iterator[httpx.Response]:
    given = {**_STREAM, **(headers or {})}
    with httpx.stream("GET", f"{address}/events", headers=given, timeout=30, **options) as answer:
        yield answer


def _events(answer: httpx.Response) -> Iterator[tuple[str | None, dict[str, Any]]]:
    """Read server-sent events as browsers do: their ids and their data."""
    number = None
    for line in answer.iter_lines():
        name, _, value = line.partition(": ")
        if name == "id":
            number = value
        elif name == "data":
            yield number, json.loads(value)
            number = None


def test_a_stream_brings_what_happens_and_can_be_gone_on_with(
    address: str, client: ApiClient, platform: Platform
) -> None:
    login = {"username": "admin", "password": PASSWORD}
    token = httpx.post(f"{address}/auth/login", json=login, timeout=30).json()["token"]
    with _listen(address, params={"token": token}) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.headers["Cache-Control"] == "no-store"
        events = _events(answer)
        assert next(events)[1]["type"] == "stream.joined"
        tags = [make_tag(client, name) for name in ("a", "b")]
        heard = [next(events), next(events)]
        assert [event["uuid"] for _, event in heard] == tags
        assert [int(number or 0) for number, _ in heard] == [event["id"] for _, event in heard]
    missed = make_tag(client, "missed")
    headers = {"Authorization": f"Bearer {token}", "Last-Event-ID": str(heard[1][0])}
    with _listen(address, headers=headers) as answer:
        events = _events(answer)
        assert next(events)[1]["uuid"] == missed
        assert next(events)[1]["type"] == "stream.joined"


def test_a_stream_ends_when_its_key_does(address: str, client: ApiClient) -> None:
    key = client.post("/tokens", {"name": "k"}, expect=201)
    headers = {"Authorization": f"Bearer {key['token']}"}
    with _listen(address, headers=headers) as answer:
        events = _events(answer)
        next(events)
        client.delete(f"/tokens/{key['uuid']}")
        assert all(event["type"] in {"token.deleted", "policy.changed"} for _, event in events), "then the end"
