"""Webhooks: who hears of what, signed, in order, again and again, and what becomes of those who never answer."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
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
from tests.support.people import make_user, sign_in
from tests.support.platforms import rows
from tests.support.receivers import Answer, Heard, Receiver, deliver_all, make_due
from tests.support.web_servers import fetching_from_here, web_server
from workers.deliverer import Deliverer
from workers.inline import run_one


@pytest.fixture
def here(platform: Platform) -> Platform:
    """A platform that may reach this machine; its log of events begins now."""
    platform = fetching_from_here(platform)
    deliver_all(platform)
    return platform


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def url(receiver: Receiver) -> Iterator[str]:
    with web_server(receiver) as address:
        yield address


@pytest.fixture
def hook(client: ApiClient, receiver: Receiver, url: str) -> dict[str, Any]:
    made: dict[str, Any] = client.post("/webhooks", {"url": url, "triggers": ["TAG_CREATED"]}, expect=201)
    receiver.secret = made["secretToken"]
    return made


def _tag(client: ApiClient, name: str) -> str:
    return str(client.post("/tags", {"name": name, "collection": "colors"}, expect=201)["uuid"])


def _deliveries(client: ApiClient, hook: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"/webhooks/{hook['uuid']}/deliveries", query_string=query)["data"]
    return found


def _fail(status: int = 500, **headers: str) -> Any:
    def answer(_: Heard) -> Answer:
        return status, {name.replace("_", "-"): value for name, value in headers.items()}, b"no"

    return answer


def test_what_was_asked_for_is_delivered_and_signed(
    client: ApiClient, here: Platform, hook: dict[str, Any], receiver: Receiver
) -> None:
    tag = _tag(client, "red")
    client.post("/libraries", {"name": "not asked for"}, expect=201)
    deliver_all(here)
    (heard,) = receiver.heard
    assert (heard.type, heard.body["event"], heard.body["uuid"], heard.body["version"]) == (
        "tag.created", "TAG_CREATED", tag, 1,
    )  # fmt: skip
    assert datetime.fromisoformat(heard.body["timestamp"]).tzinfo is not None
    (delivery,) = _deliveries(client, hook)
    assert (delivery["state"], delivery["uuid"], delivery["attemptCount"]) == ("DELIVERED", heard.id, 1)
    (attempt,) = delivery["attempts"]
    assert (attempt["status"], attempt["response"]) == (200, "thanks")
    loaded = client.get(f"/webhooks/{hook['uuid']}/deliveries/{heard.id}")
    assert loaded["payload"] == heard.body


def test_a_webhook_hears_only_of_what_comes_after_it(
    client: ApiClient, here: Platform, receiver: Receiver, url: str
) -> None:
    _tag(client, "before")
    deliver_all(here)
    client.post("/webhooks", {"url": url, "triggers": ["TAG_CREATED"]}, expect=201)
    after = _tag(client, "after")
    deliver_all(here)
    assert [heard.body["uuid"] for heard in receiver.heard] == [after]


@pytest.mark.parametrize("moment", ["read_events", "last_position"])
def test_what_happens_while_the_log_is_read_is_not_lost(
    client: ApiClient, here: Platform, receiver: Receiver, url: str, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    read = getattr(webhook_fanout, moment)
    made: list[str] = []

    def make_and_read(*arguments: Any) -> Any:
        if not made:
            client.post("/webhooks", {"url": url, "triggers": ["TAG_CREATED"]}, expect=201)
            made.append(_tag(client, "red"))
        return read(*arguments)

    monkeypatch.setattr(webhook_fanout, moment, make_and_read)
    deliver_all(here)
    deliver_all(here)
    assert [heard.body["uuid"] for heard in receiver.heard] == made


def test_nobody_hears_of_what_its_editor_may_not_see(
    app: Flask, client: ApiClient, here: Platform, receiver: Receiver, url: str
) -> None:
    make_user(here, "half", [Permission.CREATE_WEBHOOK, Permission.READ_WEBHOOK, Permission.READ_TAG])
    half = sign_in(app, "half")
    made = half.post("/webhooks", {"url": url}, expect=201)
    _tag(client, "seen")
    client.post("/libraries", {"name": "unseen"}, expect=201)
    deliver_all(here)
    assert "tag.created" in receiver.types
    assert not any(kind.startswith("library.") for kind in receiver.types)
    client.patch(f"/webhooks/{made['uuid']}", {"meta": {"seen": "by the admin"}})
    client.post("/libraries", {"name": "the admin has set it now"}, expect=201)
    deliver_all(here)
    assert "library.created" in receiver.types
    told = _deliveries(half, made)
    assert {each.get("type") for each in told} >= {None, "tag.created"}
    assert "library.created" not in {each.get("type") for each in told}
    hidden = next(each for each in told if "type" not in each)
    assert hidden.keys().isdisjoint({"subjectUuid", "eventId", "payload"})
    assert not any("response" in attempt for attempt in hidden["attempts"])
    assert "payload" not in half.get(f"/webhooks/{made['uuid']}/deliveries/{hidden['uuid']}")


def test_a_narrowed_key_narrows_what_its_webhook_hears(
    app: Flask, client: ApiClient, here: Platform, receiver: Receiver, url: str
) -> None:
    body = {"name": "narrow", "permissions": ["CREATE_WEBHOOK", "READ_WEBHOOK", "READ_TAG"]}
    key = client.post("/tokens", body, expect=201)
    ApiClient(app, key["token"]).post("/webhooks", {"url": url}, expect=201)
    client.post("/libraries", {"name": "unseen"}, expect=201)
    _tag(client, "seen")
    deliver_all(here)
    assert {kind.partition(".")[0] for kind in receiver.types} <= {"tag", "webhook"}
    assert "tag.created" in receiver.types
    client.delete(f"/tokens/{key['uuid']}")
    _tag(client, "the key is gone")
    before = len(receiver.heard)
    deliver_all(here)
    assert len(receiver.heard) == before


def test_it_can_keep_to_a_library(
    client: ApiClient, here: Platform, actor: Actor, receiver: Receiver, url: str
) -> None:
    other = client.post("/libraries", {"name": "other"}, expect=201)["uuid"]
    inside, outside = (uploaded(client, here, actor, content).split("/")[2] for content in (b"in", b"out"))
    library = str(put_in_library(here, actor, inside))
    deliver_all(here)
    client.post("/webhooks", {"url": url, "libraryUuids": [library]}, expect=201)
    for element in (inside, outside):
        client.patch(f"/assets/{element}", {"meta": {"seen": True}})
    for element in (library, other):
        client.patch(f"/libraries/{element}", {"meta": {"seen": True}})
    deliver_all(here)
    assert {heard.body["uuid"] for heard in receiver.heard} == {inside, library}
    client.post("/webhooks", {"url": url, "libraryUuids": [str(UUID(int=1))]}, expect=400)


def test_what_fails_is_tried_again_with_the_same_id(
    client: ApiClient, here: Platform, hook: dict[str, Any], receiver: Receiver
) -> None:
    receiver.answer = _fail()
    _tag(client, "red")
    deliver_all(here)
    (delivery,) = _deliveries(client, hook, state="PENDING")
    assert (delivery["attemptCount"], delivery["attempts"][0]["status"]) == (1, 500)
    due = datetime.fromisoformat(delivery["due"]) - datetime.fromisoformat(delivery["attempts"][0]["at"])
    assert timedelta(seconds=4) <= due <= timedelta(seconds=15)
    receiver.answer = lambda _: (204, {}, b"")
    make_due(here)
    deliver_all(here)
    first, second = receiver.heard
    assert (first.id, first.body) == (second.id, second.body)
    assert _deliveries(client, hook)[0]["state"] == "DELIVERED"
    assert client.get(f"/webhooks/{hook['uuid']}")["failures"] == 0


def test_after_all_attempts_it_has_failed_and_can_be_sent_again(
    client: ApiClient, here: Platform, hook: dict[str, Any], receiver: Receiver
) -> None:
    receiver.answer = _fail()
    _tag(client, "red")
    for _ in range(len(here.settings.webhook_retry_seconds) + 1):
        deliver_all(here)
        make_due(here)
    (delivery,) = _deliveries(client, hook, state="FAILED")
    assert delivery["attemptCount"] == len(receiver.heard) == 8
    assert "due" not in delivery
    receiver.answer = lambda _: (200, {}, b"")
    path = f"/webhooks/{hook['uuid']}/deliveries/{delivery['uuid']}/resend"
    answer = client.request("POST", path, expect=202)
    assert answer.headers["Location"].endswith(delivery["uuid"])
    deliver_all(here)
    assert _deliveries(client, hook)[0]["state"] == "DELIVERED"
    assert len({heard.id for heard in receiver.heard}) == 1


def test_retry_after_is_heeded_and_gone_ends_it(
    client: ApiClient, here: Platform, hook: dict[str, Any], receiver: Receiver
) -> None:
    receiver.answer = _fail(503, Retry_After="3600")
    _tag(client, "red")
    deliver_all(here)
    delivery, shown = _deliveries(client, hook)[0], client.get(f"/webhooks/{hook['uuid']}")
    soon = datetime.now(UTC) + timedelta(minutes=59)
    assert datetime.fromisoformat(delivery["due"]) > soon
    assert datetime.fromisoformat(shown["pausedUntil"]) > soon
    receiver.answer = _fail(410)
    other = client.post("/webhooks", {"url": "http://127.0.0.1:9/", "triggers": ["WEBHOOK_DISABLED"]}, expect=201)
    make_due(here)
    deliver_all(here)
    deliver_all(here)  # and the event about it
    shown = client.get(f"/webhooks/{hook['uuid']}")
    assert (shown["active"], "410" in shown["disabledReason"]) == (False, True)
    (told,) = _deliveries(client, other)
    assert (told["type"], told["subjectUuid"]) == ("webhook.disabled", hook["uuid"])
    client.post(f"/webhooks/{hook['uuid']}/ping", expect=400)
    again = client.patch(f"/webhooks/{hook['uuid']}", {"active": True})
    assert (again["active"], again["failures"], "disabledReason" in again) == (True, 0, False)


def test_days_of_failure_end_a_webhook(
    client: ApiClient, here: Platform, hook: dict[str, Any], receiver: Receiver
) -> None:
    receiver.answer = _fail()
    _tag(client, "red")
    deliver_all(here)
    with here.unit_of_work() as uow:
        uow.execute("UPDATE webhook SET failing_since = now() - interval '6 days'")
        uow.commit()
    make_due(here)
    deliver_all(here)
    assert "5 days" in client.get(f"/webhooks/{hook['uuid']}")["disabledReason"]


def test_an_address_that_fails_is_asked_less_and_less(
    client: ApiClient, here: Platform, hook: dict[str, Any], receiver: Receiver
) -> None:
    receiver.answer = _fail()
    for number in range(30):
        _tag(client, f"tag {number}")
    deliver_all(here)
    assert len(receiver.heard) == 3, "two tries for bad luck, and one more: then the breaker is open"
    assert "pausedUntil" in client.get(f"/webhooks/{hook['uuid']}")
    receiver.answer = lambda _: (200, {}, b"")
    make_due(here)
    deliver_all(here)
    assert len({heard.body["uuid"] for heard in receiver.heard}) == 30


@pytest.mark.parametrize("ordering", ["ALL", "ELEMENT"])
def test_order_is_kept_where_it_is_asked_for(
    client: ApiClient, here: Platform, receiver: Receiver, url: str, ordering: str
) -> None:
    body = {"url": url, "triggers": ["TAG_CREATED", "TAG_UPDATED"], "ordering": ordering}
    client.post("/webhooks", body, expect=201)
    tags = [_tag(client, "a"), _tag(client, "b")]
    for number in range(5):
        for tag in tags:
            client.patch(f"/tags/{tag}", {"meta": {"n": number}})
    refused: set[str] = set()

    def answer(heard: Heard) -> Answer:
        if heard.id in refused or len(refused) == 6:
            return 200, {}, b""
        refused.add(heard.id)
        return 500, {}, b""

    receiver.answer = answer
    for _ in range(20):
        deliver_all(here)
        make_due(here)
    taken = [heard for at, heard in enumerate(receiver.heard) if _is_last(receiver.heard, at)]
    assert len(taken) == 12
    for tag in tags:
        ids = [heard.body["id"] for heard in taken if heard.body["uuid"] == tag]
        assert ids == sorted(ids)
    if ordering == "ALL":
        assert [heard.body["id"] for heard in taken] == sorted(heard.body["id"] for heard in taken)


def _is_last(heard: list[Heard], at: int) -> bool:
    return all(later.id != heard[at].id for later in heard[at + 1 :])


def test_a_ping_and_a_replay(client: ApiClient, here: Platform, hook: dict[str, Any], receiver: Receiver) -> None:
    path = f"/webhooks/{hook['uuid']}"
    first = _tag(client, "red")
    pinged = client.post(f"{path}/ping", expect=202)
    deliver_all(here)
    assert sorted(receiver.types) == ["tag.created", "webhook.ping"]
    assert client.get(f"{path}/deliveries/{pinged['uuid']}")["state"] == "DELIVERED"
    known = {heard.id for heard in receiver.heard}
    second = _tag(client, "blue")
    deliver_all(here)
    receiver.heard.clear()
    task = client.post(f"{path}/replay", {"since": "2020-01-01T00:00:00Z"}, expect=202)
    deliver_all(here)
    assert client.get(f"/tasks/{task['uuid']}")["result"] == {"deliveries": 2}
    assert {heard.body["uuid"] for heard in receiver.heard} == {first, second}
    assert known & {heard.id for heard in receiver.heard}, "what was sent before keeps its id"
    behind = next(heard.body["id"] for heard in receiver.heard if heard.body["uuid"] == first)
    receiver.heard.clear()
    client.post(f"{path}/replay", {"sinceId": behind}, expect=202)
    deliver_all(here)
    assert [heard.body["uuid"] for heard in receiver.heard] == [second]
    client.post(f"{path}/replay", {"sinceId": 10**12}, expect=400)
    client.post(f"{path}/replay", {}, expect=400)


def test_two_secrets_sign_while_one_is_changed_for_the_other(
    client: ApiClient, here: Platform, hook: dict[str, Any], receiver: Receiver
) -> None:
    path = f"/webhooks/{hook['uuid']}/rotate-secret"
    answer = client.request("POST", path, {"overlapSeconds": 60}, expect=200)
    assert answer.headers["Cache-Control"] == "no-store"
    _tag(client, "red")
    deliver_all(here)  # the receiver still checks with the secret before
    (heard,) = receiver.heard
    assert len(heard.headers["webhook-signature"].split()) == 2
    receiver.secret = answer.json["secretToken"]
    _tag(client, "blue")
    deliver_all(here)
    assert len(receiver.heard) == 2
    client.post(path, {"secretToken": "whsec_???"}, expect=400)
    client.post(path, {"secretToken": "short"}, expect=400)
    own = base64.b64encode(b"a secret of my own").decode()
    assert client.post(path, {"secretToken": f"whsec_{own}", "overlapSeconds": 0})["secretToken"] == f"whsec_{own}"
    _tag(client, "green")
    receiver.secret = None
    deliver_all(here)
    headers = receiver.heard[-1].headers
    assert len(headers["webhook-signature"].split()) == 1
    with pytest.raises(WebhookVerificationError):
        Webhook(hook["secretToken"]).verify(b"{}", headers)


def test_a_dead_worker_leaves_its_deliveries_to_others(
    client: ApiClient, here: Platform, hook: dict[str, Any], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        _tag(client, f"tag {number}")
    with monkeypatch.context() as patch:
        patch.setattr(Deliverer, "_attempts", _die)
        with pytest.raises(KeyboardInterrupt):
            deliver_all(here)
    assert rows(here, "SELECT count(*) FROM webhook_delivery WHERE lease IS NOT NULL") == [(3,)]
    with here.unit_of_work() as uow:
        uow.execute("UPDATE webhook_delivery SET due = now() - interval '1 second'")
        uow.commit()
    deliver_all(here)
    assert len(receiver.heard) == 3
    assert {each["state"] for each in _deliveries(client, hook)} == {"DELIVERED"}


def _die(*_: Any) -> Any:
    raise KeyboardInterrupt


def test_deliveries_that_ended_long_ago_are_swept(
    client: ApiClient, here: Platform, hook: dict[str, Any], receiver: Receiver
) -> None:
    for name in ("old", "new"):
        _tag(client, name)
    deliver_all(here)
    with here.unit_of_work() as uow:
        uow.execute("""UPDATE webhook_delivery SET finished = finished - interval '8 days'
                       WHERE number = (SELECT min(number) FROM webhook_delivery)""")
        uow.commit()
    client.post("/tasks", {"kind": "maintenance.sweep"}, expect=202)
    assert run_one(here, "maintenance")
    assert [each["uuid"] for each in _deliveries(client, hook)] == [receiver.heard[1].id]


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:1/", "http://localhost:1/", "http://[::1]:1/", "http://[::ffff:127.0.0.1]:1/",
        "http://169.254.169.254/latest", "http://10.0.0.1/", "http://0.0.0.0:1/", "http://2130706433:1/",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public_are_refused(client: ApiClient, platform: Platform, address: str) -> None:
    deliver_all(platform)
    hook = client.post("/webhooks", {"url": address, "triggers": ["TAG_CREATED"]}, expect=201)
    _tag(client, "red")
    deliver_all(platform)
    (delivery,) = _deliveries(client, hook)
    (attempt,) = delivery["attempts"]
    assert "not public" in attempt["error"]
    assert "status" not in attempt


def test_redirects_are_followed_where_the_body_goes_along_and_may_go(
    client: ApiClient, here: Platform, hook: dict[str, Any], receiver: Receiver, url: str
) -> None:
    def answer(heard: Heard) -> Answer:
        return (307, {"Location": f"{url}/moved"}, b"") if len(receiver.heard) == 1 else (200, {}, b"")

    receiver.answer = answer
    _tag(client, "red")
    deliver_all(here)
    assert [heard.id for heard in receiver.heard] == [receiver.heard[0].id] * 2
    receiver.answer = lambda _: (308, {"Location": "http://10.0.0.1/"}, b"")
    _tag(client, "blue")
    deliver_all(here)
    assert "not public" in _deliveries(client, hook)[0]["attempts"][0]["error"]
    receiver.answer = lambda _: (302, {"Location": url}, b"")
    make_due(here)
    deliver_all(here)
    assert _deliveries(client, hook)[0]["attempts"][-1]["status"] == 302


def test_a_long_answer_is_read_no_further_than_needed(
    client: ApiClient, here: Platform, hook: dict[str, Any], receiver: Receiver
) -> None:
    receiver.answer = lambda _: (200, {"Content-Length": str(10**9)}, "é".encode() * 200_000)
    _tag(client, "red")
    deliver_all(here)
    (attempt,) = _deliveries(client, hook)[0]["attempts"]
    assert (attempt["status"], attempt["response"]) == (200, "é" * 1024)
