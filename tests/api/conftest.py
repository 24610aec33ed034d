"""An identity provider for the tests that sign in at one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.identity import Person, Provider, running_provider

PEOPLE = (
    Person("subject-of-jane", "jane", "jane@example.com", is_verified=True),
    Person("subject-of-impostor", "admin", "boss@example.com", given_name="Eve"),
    Person("subject-of-nameless", None, "no.name@example.com", is_verified=True, given_name=None),
    Person("subject-of-nobody", None, None),
)


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with running_provider(tmp_path_factory.mktemp("provider"), *PEOPLE) as provider:
        yield provider
