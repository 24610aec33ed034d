"""Everything that the OpenAPI document allows, and much that it does not, sent to the whole API.

`make fuzz` sends more than twenty thousand requests, others every time; `make test` a small part of that, always the
same. All of schemathesis' checks are made but one: that what fits the document is always accepted. It cannot be: a
document does not say which folders exist, what a filter may be about, or which names are taken.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from models.wiring import Platform
from tests.fuzz.conftest import Counting, SignIn
from tests.fuzz.known import what_exists
from tests.fuzz.running import Effort, failures_of, open_schema
from tests.fuzz.sequences import run_sequences
from tests.support.access_world import World


@pytest.fixture
def wanted(request: pytest.FixtureRequest) -> Effort:
    return Effort(request.config.getoption("--requests"), request.config.getoption("--anew"))


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("phase", ["examples", "coverage", "fuzzing"])
def test_every_route_keeps_the_document(
    phase: str, counting: Counting, platform: Platform, tmp_path: Path, sign_in: SignIn, wanted: Effort
) -> None:
    schema = open_schema(counting, sign_in(), phase, wanted.part(2))
    with what_exists(World(platform, counting.app, tmp_path)):
        failures = failures_of(schema)
    counting.report(phase)
    assert not failures, f"{len(failures)} failures\n\n" + "\n\n".join(failures)


@pytest.mark.timeout(3600)
def test_sequences_of_requests_keep_the_document(
    counting: Counting, platform: Platform, sign_in: SignIn, wanted: Effort
) -> None:
    """Elements that one request makes are used by those after it."""
    run_sequences(counting, platform, sign_in, wanted.part(4))
    counting.report("sequences")
