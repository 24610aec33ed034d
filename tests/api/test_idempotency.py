"""Requests with an Idempotency-Key: carried out once, answered the same as often as they are sent."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from models.errors import Conflict
from models.permissions import Actor
from models.services.idempotency import Receipt
from models.wiring import Platform
from tests.support.client import Answer, ApiClient
from tests.support.people import make_user, sign_in

KEY = {"Idempotency-Key": "k-1"}
BODY = {"sha512": "a" * 128, "filename": "a.jpg"}


def _post(client: ApiClient, body: Any = None, path: str = "/assets", key: str = "k-1", **options: Any) -> Answer:
    given = BODY if body is None else body
    return client.request("POST", path, given, headers={"Idempotency-Key": key}, **options)


def _count(platform: Platform) -> int:
    with platform.unit_of_work() as uow:
        return int(uow.fetch("SELECT count(*) FROM asset")[0][0])


def _set_state(platform: Platform, state: str, lease: str) -> None:
    with platform.unit_of_work() as uow:
        uow.execute(
            "UPDATE idempotency_key SET state = :state, status = NULL, body = NULL, digest = NULL,"
            " lease_expires = now() + CAST(:lease AS interval)",
            state=state,
            lease=lease,
        )
        uow.commit()


def test_a_repeated_request_gets_the_stored_answer(client: ApiClient, platform: Platform) -> None:
    first = _post(client, expect=201)
    again = _post(client, expect=201)
    assert again.json == first.json
    assert (again.headers["ETag"], again.headers["Idempotency-Replayed"]) == (first.headers["ETag"], "true")
    assert "Idempotency-Replayed" not in first.headers
    assert _count(platform) == 1


@pytest.mark.parametrize(("body", "path"), [({**BODY, "filename": "b.jpg"}, "/assets"), (BODY, "/assets?x=1")])
def test_another_request_with_the_key_is_refused(client: ApiClient, body: Any, path: str) -> None:
    _post(client, expect=201)
    _post(client, body, path, expect=422)
    _post(client, body, "/tokens", expect=422)


def test_keys_are_of_one_user(client: ApiClient, platform: Platform) -> None:
    _post(client, expect=201)
    make_user(platform, "eve")
    _post(sign_in(client.app, "eve"), expect=403)
    _post(client, key="other", expect=409)


def test_what_was_refused_may_be_sent_again(client: ApiClient, platform: Platform) -> None:
    _post(client, {"filename": "a.jpg"}, expect=400)
    client.request("POST", "/assets", b"{", headers={**KEY, "Content-Type": "application/json"}, expect=400)
    _post(client, expect=201)
    assert _count(platform) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "\u00e4", "a\tb"])
def test_what_is_no_key(client: ApiClient, key: str) -> None:
    _post(client, key=key.encode("utf-8").decode("latin-1"), expect=400)


def test_an_upload_is_compared_by_its_bytes(client: ApiClient, platform: Platform) -> None:
    path = "/assets/upload?filename=a.txt"
    first = _post(client, b"bytes" * 100_000, path, expect=202)
    assert _post(client, b"bytes" * 100_000, path, expect=202).json["uuid"] == first.json["uuid"]
    _post(client, b"other" * 100_000, path, expect=422)
    with platform.unit_of_work() as uow:
        assert uow.fetch("SELECT count(*) FROM task") == [(1,)]


def test_many_at_once_are_carried_out_once(client: ApiClient, platform: Platform) -> None:
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: _post(client), range(20)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json["uuid"] for answer in answers if answer.status_code == 201}) == 1
    assert _count(platform) == 1


def test_a_request_that_runs_or_whose_answer_was_lost_is_a_conflict(client: ApiClient, platform: Platform) -> None:
    _post(client, expect=201)
    for state, lease, code in (
        ("RUNNING", "1 minute", "idempotency-running"),
        ("COMMITTED", "1 minute", "idempotency-running"),
        ("COMMITTED", "-1 minute", "idempotency-answer-gone"),
    ):
        _set_state(platform, state, lease)
        assert _post(client, expect=409).json["code"] == code
    assert _count(platform) == 1


def test_a_request_whose_process_died_is_carried_out_again(client: ApiClient, platform: Platform) -> None:
    uuid = _post(client, expect=201).json["uuid"]
    client.delete(f"/assets/{uuid}")
    _set_state(platform, "RUNNING", "-1 second")
    assert _post(client, expect=201).json["uuid"] != uuid


def test_a_request_that_only_stood_still_commits_nothing_any_more(
    client: ApiClient, platform: Platform, actor: Actor
) -> None:
    """Its lease ran out, and the same request was sent again meanwhile: answered, or refused and forgotten."""
    ways: tuple[Callable[[], Answer], ...] = (
        lambda: _post(client, expect=201), lambda: _post(client, {"filename": "a.jpg"}, expect=400),
    )  # fmt: skip
    for again in ways:
        slow = Receipt(actor, "k-1")
        with platform.unit_of_work() as uow:
            assert slow.begin(uow) is None
            uow.commit()
        _set_state(platform, "RUNNING", "-1 second")
        again()
        before = _count(platform)
        with platform.unit_of_work() as uow:
            slow.attach(uow)
            uow.execute("INSERT INTO tag (id, space_id, name) SELECT gen_random_uuid(), id, 'slow' FROM space")
            with pytest.raises(Conflict):
                uow.commit()
        with platform.unit_of_work() as uow:
            slow.renew(uow)
            slow.forget(uow)
            uow.commit()
            assert uow.fetch("SELECT count(*) FROM tag") == [(0,)]
        assert _count(platform) == before
        with platform.unit_of_work() as uow:
            uow.execute("DELETE FROM idempotency_key")
            uow.execute("DELETE FROM asset")
            uow.commit()


def test_a_secret_is_not_kept(client: ApiClient, platform: Platform) -> None:
    made = _post(client, {"name": "k"}, "/tokens", expect=201)
    assert made.headers["Cache-Control"] == "no-store"
    assert _post(client, {"name": "k"}, "/tokens", expect=409).json["code"] == "idempotency-answer-gone"
    with platform.unit_of_work() as uow:
        assert uow.fetch("SELECT body FROM idempotency_key") == [(None,)]
