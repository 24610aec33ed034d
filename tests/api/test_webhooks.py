"""Webhooks: who hears of what, signed by which secret, once more if that is asked for."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from standardwebhooks import Webhook, WebhookVerificationError

from models.permissions import Actor, Permission
from models.services import webhook_fanout
from models.wiring import Platform
from tests.support.assets import put_in_library, uploaded
from tests.support.client import ApiClient
from tests.support.organising import make_tag
from tests.support.people import make_user, sign_in
from tests.support.receivers import Receiver, deliver_all, deliveries_of
from workers import runtime
from workers.handlers import replay_webhook
from workers.inline import run_one


def test_what_was_asked_for_is_delivered_and_signed(
    client: ApiClient, open_platform: Platform, webhook: dict[str, Any], receiver: Receiver
) -> None:
    tag = make_tag(client, "red")
    client.post("/libraries", {"name": "not asked for"}, expect=201)
    deliver_all(open_platform)
    (heard,) = receiver.heard
    assert (heard.type, heard.body["event"], heard.body["uuid"], heard.body["version"]) == (
        "tag.created", "TAG_CREATED", tag, 1,
    )  # fmt: skip
    assert datetime.fromisoformat(heard.body["timestamp"]).tzinfo is not None
    (delivery,) = deliveries_of(client, webhook)
    assert (delivery["state"], delivery["uuid"], delivery["attemptCount"]) == ("DELIVERED", heard.id, 1)
    (attempt,) = delivery["attempts"]
    assert (attempt["status"], attempt["response"]) == (200, "thanks")
    loaded = client.get(f"/webhooks/{webhook['uuid']}/deliveries/{heard.id}")
    assert loaded["payload"] == heard.body


def test_a_webhook_hears_only_of_what_comes_after_it(
    client: ApiClient, open_platform: Platform, receiver: Receiver, receiver_url: str
) -> None:
    make_tag(client, "before")
    deliver_all(open_platform)
    client.post("/webhooks", {"url": receiver_url, "triggers": ["TAG_CREATED"]}, expect=201)
    after = make_tag(client, "after")
    deliver_all(open_platform)
    assert [heard.body["uuid"] for heard in receiver.heard] == [after]


@pytest.mark.parametrize("moment", ["read_events", "last_position"])
def test_what_happens_while_the_log_is_read_is_not_lost(
    client: ApiClient,
    open_platform: Platform,
    receiver: Receiver,
    receiver_url: str,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
) -> None:
    read = getattr(webhook_fanout, moment)
    made: list[str] = []

    def make_and_read(*arguments: Any) -> Any:
        if not made:
            client.post("/webhooks", {"url": receiver_url, "triggers": ["TAG_CREATED"]}, expect=201)
            made.append(make_tag(client, "red"))
        return read(*arguments)

    monkeypatch.setattr(webhook_fanout, moment, make_and_read)
    deliver_all(open_platform)
    deliver_all(open_platform)
    assert [heard.body["uuid"] for heard in receiver.heard] == made


def test_nobody_hears_of_what_its_editor_may_not_see(
    app: Flask, client: ApiClient, open_platform: Platform, receiver: Receiver, receiver_url: str
) -> None:
    make_user(open_platform, "half", [Permission.CREATE_WEBHOOK, Permission.READ_WEBHOOK, Permission.READ_TAG])
    half = sign_in(app, "half")
    made = half.post("/webhooks", {"url": receiver_url}, expect=201)
    make_tag(client, "seen")
    client.post("/libraries", {"name": "unseen"}, expect=201)
    deliver_all(open_platform)
    assert "tag.created" in receiver.types
    assert not any(kind.startswith("library.") for kind in receiver.types)
    client.patch(f"/webhooks/{made['uuid']}", {"meta": {"seen": "by the admin"}})
    client.post("/libraries", {"name": "the admin has set it now"}, expect=201)
    deliver_all(open_platform)
    assert "library.created" in receiver.types
    told = deliveries_of(half, made)
    assert {each.get("type") for each in told} >= {None, "tag.created"}
    assert "library.created" not in {each.get("type") for each in told}
    hidden = next(each for each in told if "type" not in each)
    assert hidden.keys().isdisjoint({"subjectUuid", "eventId", "payload"})
    assert not any("response" in attempt for attempt in hidden["attempts"])
    assert "payload" not in half.get(f"/webhooks/{made['uuid']}/deliveries/{hidden['uuid']}")


def test_a_narrowed_key_narrows_what_its_webhook_hears(
    app: Flask, client: ApiClient, open_platform: Platform, receiver: Receiver, receiver_url: str
) -> None:
    body = {"name": "narrow", "permissions": ["CREATE_WEBHOOK", "READ_WEBHOOK", "READ_TAG"]}
    key = client.post("/tokens", body, expect=201)
    ApiClient(app, key["token"]).post("/webhooks", {"url": receiver_url}, expect=201)
    client.post("/libraries", {"name": "unseen"}, expect=201)
    make_tag(client, "seen")
    deliver_all(open_platform)
    assert {kind.partition(".")[0] for kind in receiver.types} <= {"tag", "webhook"}
    assert "tag.created" in receiver.types
    client.delete(f"/tokens/{key['uuid']}")
    make_tag(client, "the key is gone")
    before = len(receiver.heard)
    deliver_all(open_platform)
    assert len(receiver.heard) == before


def test_it_can_keep_to_a_library(
    client: ApiClient, open_platform: Platform, actor: Actor, receiver: Receiver, receiver_url: str
) -> None:
    other = client.post("/libraries", {"name": "other"}, expect=201)["uuid"]
    inside, outside = (uploaded(client, open_platform, actor, content).split("/")[2] for content in (b"in", b"out"))
    library = str(put_in_library(open_platform, actor, inside))
    deliver_all(open_platform)
    client.post("/webhooks", {"url": receiver_url, "libraryUuids": [library]}, expect=201)
    for element in (inside, outside):
        client.patch(f"/assets/{element}", {"meta": {"seen": True}})
    for element in (library, other):
        client.patch(f"/libraries/{element}", {"meta": {"seen": True}})
    deliver_all(open_platform)
    assert {heard.body["uuid"] for heard in receiver.heard} == {inside, library}
    client.post("/webhooks", {"url": receiver_url, "libraryUuids": [str(UUID(int=1))]}, expect=400)


def test_a_ping_and_a_replay(
    client: ApiClient, open_platform: Platform, webhook: dict[str, Any], receiver: Receiver
) -> None:
    path = f"/webhooks/{webhook['uuid']}"
    first = make_tag(client, "red")
    pinged = client.post(f"{path}/ping", expect=202)
    deliver_all(open_platform)
    assert sorted(receiver.types) == ["tag.created", "webhook.ping"]
    assert client.get(f"{path}/deliveries/{pinged['uuid']}")["state"] == "DELIVERED"
    known = {heard.id for heard in receiver.heard}
    second = make_tag(client, "blue")
    deliver_all(open_platform)
    receiver.heard.clear()
    task = client.post(f"{path}/replay", {"since": "2020-01-01T00:00:00Z"}, expect=202)
    deliver_all(open_platform)
    assert client.get(f"/tasks/{task['uuid']}")["result"] == {"deliveries": 2}
    assert {heard.body["uuid"] for heard in receiver.heard} == {first, second}
    assert known & {heard.id for heard in receiver.heard}, "what was sent before keeps its id"
    behind = next(heard.body["id"] for heard in receiver.heard if heard.body["uuid"] == first)
    receiver.heard.clear()
    client.post(f"{path}/replay", {"sinceId": behind}, expect=202)
    deliver_all(open_platform)
    assert [heard.body["uuid"] for heard in receiver.heard] == [second]
    client.post(f"{path}/replay", {"sinceId": 10**12}, expect=400)
    client.post(f"{path}/replay", {}, expect=400)


def test_two_secrets_sign_while_one_is_changed_for_the_other(
    client: ApiClient, open_platform: Platform, webhook: dict[str, Any], receiver: Receiver
) -> None:
    path = f"/webhooks/{webhook['uuid']}/rotate-secret"
    answer = client.request("POST", path, {"overlapSeconds": 60}, expect=200)
    assert answer.headers["Cache-Control"] == "no-store"
    make_tag(client, "red")
    deliver_all(open_platform)  # the receiver still checks with the secret before
    (heard,) = receiver.heard
    assert len(heard.headers["webhook-signature"].split()) == 2
    receiver.secret = answer.json["secretToken"]
    make_tag(client, "blue")
    deliver_all(open_platform)
    assert len(receiver.heard) == 2
    client.post(path, {"secretToken": "whsec_???"}, expect=400)
    client.post(path, {"secretToken": "short"}, expect=400)
    own = base64.b64encode(b"a secret of my own").decode()
    assert client.post(path, {"secretToken": f"whsec_{own}", "overlapSeconds": 0})["secretToken"] == f"whsec_{own}"
    make_tag(client, "green")
    receiver.secret = None
    deliver_all(open_platform)
    headers = receiver.heard[-1].headers
    assert len(headers["webhook-signature"].split()) == 1
    with pytest.raises(WebhookVerificationError):
        Webhook(webhook["secretToken"]).verify(b"{}", headers)


def test_deliveries_that_ended_long_ago_are_swept(
    client: ApiClient, open_platform: Platform, webhook: dict[str, Any], receiver: Receiver
) -> None:
    for name in ("old", "new"):
        make_tag(client, name)
    deliver_all(open_platform)
    with open_platform.unit_of_work() as uow:
        uow.execute("""UPDATE webhook_delivery SET finished = finished - interval '8 days'
                       WHERE number = (SELECT min(number) FROM webhook_delivery)""")
        uow.commit()
    client.post("/tasks", {"kind": "maintenance.sweep"}, expect=202)
    assert run_one(open_platform, "maintenance")
    assert [each["uuid"] for each in deliveries_of(client, webhook)] == [receiver.heard[1].id]


def test_a_long_replay_is_cut_into_parts_and_keeps_the_order(
    client: ApiClient, open_platform: Platform, webhook: dict[str, Any], receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Its plan gives way to others after each range, and goes on where it was."""
    monkeypatch.setattr(replay_webhook, "_EVENTS", 2)
    monkeypatch.setattr(runtime, "SLICE_SECONDS", -1.0)
    client.patch(f"/webhooks/{webhook['uuid']}", {"ordering": "ALL"})
    tags = [make_tag(client, f"tag {number}") for number in range(5)]
    deliver_all(open_platform)
    receiver.heard.clear()
    task = client.post(f"/webhooks/{webhook['uuid']}/replay", {"since": "2020-01-01T00:00:00Z"}, expect=202)
    deliver_all(open_platform)
    ended = client.get(f"/tasks/{task['uuid']}")
    assert (ended["state"], ended["result"]) == ("SUCCEEDED", {"deliveries": 5})
    assert ended["progress"]["total"] == ended["progress"]["done"] > 2
    assert [heard.body["uuid"] for heard in receiver.heard] == tags
