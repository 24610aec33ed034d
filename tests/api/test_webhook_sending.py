"""Sending to webhooks: again where it failed, in order where asked, and to which addresses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from models.entities import Webhook
from models.errors import Conflict
from models.services import webhook_fanout
from models.services.frames import Frame
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.organising import make_tag
from tests.support.platforms import rows
from tests.support.receivers import Answer, Heard, Receiver, answering, deliver_all, deliveries_of, make_due
from workers.deliverer import Deliverer


def test_what_fails_is_tried_again_with_the_same_id(
    client: ApiClient, open_platform: Platform, webhook: dict[str, Any], receiver: Receiver
) -> None:
    receiver.answer = answering()
    make_tag(client, "red")
    deliver_all(open_platform)
    (delivery,) = deliveries_of(client, webhook, state="PENDING")
    assert (delivery["attemptCount"], delivery["attempts"][0]["status"]) == (1, 500)
    due = datetime.fromisoformat(delivery["due"]) - datetime.fromisoformat(delivery["attempts"][0]["at"])
    assert timedelta(seconds=4) <= due <= timedelta(seconds=15)
    receiver.answer = lambda _: (204, {}, b"")
    make_due(open_platform)
    deliver_all(open_platform)
    first, second = receiver.heard
    assert (first.id, first.body) == (second.id, second.body)
    assert deliveries_of(client, webhook)[0]["state"] == "DELIVERED"
    assert client.get(f"/webhooks/{webhook['uuid']}")["failures"] == 0


def test_after_all_attempts_it_has_failed_and_can_be_sent_again(
    client: ApiClient, open_platform: Platform, webhook: dict[str, Any], receiver: Receiver
) -> None:
    receiver.answer = answering()
    make_tag(client, "red")
    for _ in range(len(open_platform.settings.webhook_retry_seconds) + 1):
        deliver_all(open_platform)
        make_due(open_platform)
    (delivery,) = deliveries_of(client, webhook, state="FAILED")
    assert delivery["attemptCount"] == len(receiver.heard) == 8
    assert "due" not in delivery
    receiver.answer = lambda _: (200, {}, b"")
    path = f"/webhooks/{webhook['uuid']}/deliveries/{delivery['uuid']}/resend"
    answer = client.request("POST", path, expect=202)
    assert answer.headers["Location"].endswith(delivery["uuid"])
    deliver_all(open_platform)
    assert deliveries_of(client, webhook)[0]["state"] == "DELIVERED"
    assert len({heard.id for heard in receiver.heard}) == 1


def test_retry_after_is_heeded_and_gone_ends_it(
    client: ApiClient, open_platform: Platform, webhook: dict[str, Any], receiver: Receiver
) -> None:
    receiver.answer = answering(503, Retry_After="3600")
    make_tag(client, "red")
    deliver_all(open_platform)
    delivery, shown = deliveries_of(client, webhook)[0], client.get(f"/webhooks/{webhook['uuid']}")
    soon = datetime.now(UTC) + timedelta(minutes=59)
    assert datetime.fromisoformat(delivery["due"]) > soon
    assert datetime.fromisoformat(shown["pausedUntil"]) > soon
    receiver.answer = answering(410)
    other = client.post("/webhooks", {"url": "http://127.0.0.1:9/", "triggers": ["WEBHOOK_DISABLED"]}, expect=201)
    make_due(open_platform)
    deliver_all(open_platform)
    deliver_all(open_platform)  # and the event about it
    shown = client.get(f"/webhooks/{webhook['uuid']}")
    assert (shown["active"], "410" in shown["disabledReason"]) == (False, True)
    (told,) = deliveries_of(client, other)
    assert (told["type"], told["subjectUuid"]) == ("webhook.disabled", webhook["uuid"])
    client.post(f"/webhooks/{webhook['uuid']}/ping", expect=400)
    again = client.patch(f"/webhooks/{webhook['uuid']}", {"active": True})
    assert (again["active"], again["failures"], "disabledReason" in again) == (True, 0, False)


def test_days_of_failure_end_a_webhook(
    client: ApiClient, open_platform: Platform, webhook: dict[str, Any], receiver: Receiver
) -> None:
    receiver.answer = answering()
    make_tag(client, "red")
    deliver_all(open_platform)
    with open_platform.unit_of_work() as uow:
        uow.execute("UPDATE webhook SET failing_since = now() - interval '6 days'")
        uow.commit()
    make_due(open_platform)
    deliver_all(open_platform)
    assert "5 days" in client.get(f"/webhooks/{webhook['uuid']}")["disabledReason"]


def test_an_address_that_fails_is_asked_less_and_less(
    client: ApiClient, open_platform: Platform, webhook: dict[str, Any], receiver: Receiver
) -> None:
    receiver.answer = answering()
    for number in range(30):
        make_tag(client, f"tag {number}")
    deliver_all(open_platform)
    assert len(receiver.heard) == 3, "two tries for bad luck, and one more: then the breaker is open"
    assert "pausedUntil" in client.get(f"/webhooks/{webhook['uuid']}")
    receiver.answer = lambda _: (200, {}, b"")
    make_due(open_platform)
    deliver_all(open_platform)
    assert len({heard.body["uuid"] for heard in receiver.heard}) == 30


@pytest.mark.parametrize("ordering", ["ALL", "ELEMENT"])
def test_order_is_kept_where_it_is_asked_for(
    client: ApiClient, open_platform: Platform, receiver: Receiver, receiver_url: str, ordering: str
) -> None:
    body = {"url": receiver_url, "triggers": ["TAG_CREATED", "TAG_UPDATED"], "ordering": ordering}
    client.post("/webhooks", body, expect=201)
    tags = [make_tag(client, "a"), make_tag(client, "b")]
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
        deliver_all(open_platform)
        make_due(open_platform)
    taken = [heard for at, heard in enumerate(receiver.heard) if _is_last(receiver.heard, at)]
    assert len(taken) == 12
    for tag in tags:
        ids = [heard.body["id"] for heard in taken if heard.body["uuid"] == tag]
        assert ids == sorted(ids)
    if ordering == "ALL":
        assert [heard.body["id"] for heard in taken] == sorted(heard.body["id"] for heard in taken)


def _is_last(heard: list[Heard], at: int) -> bool:
    return all(later.id != heard[at].id for later in heard[at + 1 :])


def test_a_dead_worker_leaves_its_deliveries_to_others(
    client: ApiClient,
    open_platform: Platform,
    webhook: dict[str, Any],
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for number in range(3):
        make_tag(client, f"tag {number}")
    with monkeypatch.context() as patch:
        patch.setattr(Deliverer, "_attempts", _die)
        with pytest.raises(KeyboardInterrupt):
            deliver_all(open_platform)
    assert rows(open_platform, "SELECT count(*) FROM webhook_delivery WHERE lease IS NOT NULL") == [(3,)]
    with open_platform.unit_of_work() as uow:
        uow.execute("UPDATE webhook_delivery SET due = now() - interval '1 second'")
        uow.commit()
    deliver_all(open_platform)
    assert len(receiver.heard) == 3
    assert {each["state"] for each in deliveries_of(client, webhook)} == {"DELIVERED"}


def _die(*_: Any) -> Any:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:1/", "http://localhost:1/", "http://[::1]:1/", "http://[::ffff:127.0.0.1]:1/",
        "http://169.254.169.254/latest", "http://10.0.0.1/", "http://0.0.0.0:1/", "http://2130706433:1/",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public_are_refused(client: ApiClient, platform: Platform, address: str) -> None:
    deliver_all(platform)
    webhook = client.post("/webhooks", {"url": address, "triggers": ["TAG_CREATED"]}, expect=201)
    make_tag(client, "red")
    deliver_all(platform)
    (delivery,) = deliveries_of(client, webhook)
    (attempt,) = delivery["attempts"]
    assert "not public" in attempt["error"]
    assert "status" not in attempt


def test_redirects_are_followed_where_the_body_goes_along_and_may_go(
    client: ApiClient, open_platform: Platform, webhook: dict[str, Any], receiver: Receiver, receiver_url: str
) -> None:
    def answer(heard: Heard) -> Answer:
        return (307, {"Location": f"{receiver_url}/moved"}, b"") if len(receiver.heard) == 1 else (200, {}, b"")

    receiver.answer = answer
    make_tag(client, "red")
    deliver_all(open_platform)
    assert [heard.id for heard in receiver.heard] == [receiver.heard[0].id] * 2
    receiver.answer = lambda _: (308, {"Location": "http://10.0.0.1/"}, b"")
    make_tag(client, "blue")
    deliver_all(open_platform)
    assert "not public" in deliveries_of(client, webhook)[0]["attempts"][0]["error"]
    receiver.answer = lambda _: (302, {"Location": receiver_url}, b"")
    make_due(open_platform)
    deliver_all(open_platform)
    assert deliveries_of(client, webhook)[0]["attempts"][-1]["status"] == 302


def test_a_long_answer_is_read_no_further_than_needed(
    client: ApiClient, open_platform: Platform, webhook: dict[str, Any], receiver: Receiver
) -> None:
    receiver.answer = lambda _: (200, {"Content-Length": str(10**9)}, "é".encode() * 200_000)
    make_tag(client, "red")
    deliver_all(open_platform)
    (attempt,) = deliveries_of(client, webhook)[0]["attempts"]
    assert (attempt["status"], attempt["response"]) == (200, "é" * 1024)


def test_an_event_that_cannot_be_told_holds_up_nothing_else(
    client: ApiClient, open_platform: Platform, webhook: dict[str, Any], receiver: Receiver,
    receiver_url: str, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Made up: nothing is known that Loom cannot tell of."""
    other = client.post("/webhooks", {"url": f"{receiver_url}/other", "triggers": ["TAG_CREATED"]}, expect=201)
    receiver.secret = None
    tags = [make_tag(client, name) for name in ("a", "b", "c", "d", "e")]
    make_row = webhook_fanout._row

    def fail_once(hook: Webhook, frame: Frame) -> dict[str, Any]:
        if str(hook.id) == webhook["uuid"] and frame["uuid"] == tags[3]:
            raise ValueError("on purpose")
        return make_row(hook, frame)

    monkeypatch.setattr(webhook_fanout, "_row", fail_once)
    deliver_all(open_platform)
    assert {each["subjectUuid"] for each in deliveries_of(client, other, state="DELIVERED")} == set(tags)
    told = {each["subjectUuid"] for each in deliveries_of(client, webhook, state="DELIVERED")}
    assert told == set(tags) - {tags[3]}
    (untold,) = deliveries_of(client, webhook, state="FAILED")
    assert untold["subjectUuid"] == tags[3]
    assert untold["attempts"][0]["error"] == "Loom could not tell of this event"


@pytest.mark.parametrize("trouble", [PoolTimeout("crowded"), OperationalError("", None, Exception()), Conflict()])
def test_trouble_of_the_moment_is_no_fault_of_an_event(
    client: ApiClient, open_platform: Platform, webhook: dict[str, Any], monkeypatch: pytest.MonkeyPatch,
    trouble: Exception,
) -> None:  # fmt: skip
    tag = make_tag(client, "red")

    def fail(*_: Any) -> Any:
        raise trouble

    with monkeypatch.context() as patch:
        patch.setattr(webhook_fanout, "audible", fail)
        with pytest.raises(type(trouble)):
            deliver_all(open_platform)
    assert deliveries_of(client, webhook) == []
    deliver_all(open_platform)
    assert [each["subjectUuid"] for each in deliveries_of(client, webhook, state="DELIVERED")] == [tag]
