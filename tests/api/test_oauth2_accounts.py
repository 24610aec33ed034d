"""Which account the claims of an identity provider lead to, and which they must not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from models.entities import User
from models.errors import Forbidden
from models.ids import new_id
from models.oidc import Claims
from models.services.identities import sign_in
from models.wiring import Platform
from tests.support.people import make_space, make_user
from tests.support.platforms import execute, rows

CLAIMS = Claims("https://id.test", "one", "jane", "jane@example.com", True, "Jane", "Doe")


def test_the_subject_counts_and_not_the_name(platform: Platform) -> None:
    first = _sign_in(platform, CLAIMS)
    renamed = Claims("https://id.test", "one", "admin", "other@example.com", True)
    assert _sign_in(platform, renamed).id == first.id
    namesake = _sign_in(platform, Claims("https://id.test", "two", "jane", "jane@example.com", True))
    assert (namesake.id != first.id, namesake.username) == (True, "jane-2")
    elsewhere = _sign_in(platform, Claims("https://other.test", "one", "jane", "jane@example.com", True))
    assert (elsewhere.id not in {first.id, namesake.id}, elsewhere.username) == (True, "jane-3")


def test_only_a_verified_address_opens_an_account(platform: Platform) -> None:
    prepared = _prepare(platform, "prepared", email="Jane@Example.com")
    stranger = Claims("https://id.test", "stranger", "eve", "jane@example.com", is_email_verified=False)
    assert _sign_in(platform, stranger).id != prepared
    assert _sign_in(platform, CLAIMS).id == prepared


def test_two_accounts_of_one_address_are_nobodys(platform: Platform) -> None:
    prepared = {_prepare(platform, name, email="jane@example.com") for name in ("one", "two")}
    assert _sign_in(platform, CLAIMS).id not in prepared


def test_an_account_in_use_is_not_taken_over(platform: Platform) -> None:
    used = {make_user(platform, "jane").user_id, _prepare(platform, "keyed", email="jane@example.com")}
    execute(
        platform,
        "INSERT INTO token (id, space_id, user_id, name, secret_sha256) "
        "SELECT gen_random_uuid(), space_id, id, 'k', '\\x00' FROM \"user\" WHERE username = 'keyed'",
    )
    assert _sign_in(platform, CLAIMS).id not in used


def test_an_account_in_use_is_taken_over_by_name_where_the_provider_is_trusted(platform: Platform) -> None:
    used = make_user(platform, "jane").user_id
    by_address = make_user(platform, "other").user_id
    execute(platform, "UPDATE \"user\" SET email = 'o@example.com' WHERE username = 'other'")
    assert _sign_in(platform, CLAIMS, may_link_used=True).id == used
    other = Claims("https://id.test", "two", "somebody", "o@example.com", True)
    assert _sign_in(platform, other, may_link_used=True).id != by_address
    again = Claims("https://id.test", "three", "jane", None)
    assert _sign_in(platform, again, may_link_used=True).id != used, "it is somebody's already"


def test_a_disabled_account_does_not_come_back_under_another_name(platform: Platform) -> None:
    make_user(platform, "jane")
    execute(platform, "UPDATE \"user\" SET enabled = false WHERE username = 'jane'")
    with pytest.raises(Forbidden):
        _sign_in(platform, CLAIMS)
    assert rows(platform, "SELECT count(*) FROM user_identity") == [(0,)]


def test_accounts_of_other_spaces_are_out_of_reach(platform: Platform) -> None:
    space = make_space(platform, "other")
    elsewhere = make_user(platform, "jane", space_id=space).user_id
    execute(platform, "UPDATE \"user\" SET password_hash = NULL WHERE username = 'jane'")
    user = _sign_in(platform, CLAIMS, may_link_used=True)
    assert (user.id != elsewhere, user.username, user.space_id != space) == (True, "jane", True)


def test_a_deleted_user_begins_anew(platform: Platform) -> None:
    first = _sign_in(platform, CLAIMS)
    execute(
        platform, "UPDATE \"user\" SET deleted = now(), username = id::text, enabled = false WHERE username = 'jane'"
    )
    again = _sign_in(platform, CLAIMS)
    assert (again.id != first.id, again.enabled, again.username) == (True, True, "jane")
    assert _sign_in(platform, CLAIMS).id == again.id


def test_many_of_one_name_find_free_ones(platform: Platform) -> None:
    users = [_sign_in(platform, Claims("https://id.test", str(number), "n" * 255)) for number in range(12)]
    names = {user.username for user in users}
    assert len(names) == 12
    assert max(map(len, names)) == 255


def test_first_sign_ins_at_the_same_time(platform: Platform) -> None:
    prepared = _prepare(platform, "jane")
    crowd = [Claims("https://id.test", str(number % 4), "jane") for number in range(24)]
    with ThreadPoolExecutor(6) as pool:
        users = list(pool.map(lambda claims: _sign_in(platform, claims), crowd))
    by_subject = {claims.subject: {u.id for c, u in zip(crowd, users, strict=True) if c == claims} for claims in crowd}
    assert all(len(ids) == 1 for ids in by_subject.values())
    assert len({user.id for user in users}) == 4
    assert prepared in {user.id for user in users}


def _sign_in(platform: Platform, claims: Claims, *, may_link_used: bool = False) -> User:
    with platform.unit_of_work() as uow:
        user = sign_in(uow, claims, may_link_used=may_link_used)
        uow.commit()
    return user


def _prepare(platform: Platform, name: str, email: str | None = None) -> UUID:
    """Make an account that nobody has used."""
    user_id = new_id()
    with platform.unit_of_work() as uow:
        uow.execute(
            'INSERT INTO "user" (id, space_id, username, email) '
            "SELECT :id, space.id, :name, :email FROM space WHERE space.name = 'default'",
            id=user_id, name=name, email=email,
        )  # fmt: skip
        uow.commit()
    return user_id
