"""Everything that the OpenAPI document allows, and much that it does not, sent to the whole API.

`make fuzz` sends twenty thousand requests; `make test` a small part of that. All of schemathesis' checks are made but
one: that what fits the document is always accepted. It cannot be: a document does not say which folders exist, what a
filter may be about, or which names are taken.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from math import ceil
from typing import Any
from unittest import SkipTest

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from models.wiring import Platform
from tests.fuzz.conftest import Counting
from tests.support.platforms import begin_anew

SignIn = Callable[[], dict[str, str]]

_MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
_STEPS = 8
_IGNORED = re.compile(r"Invalid component: query[^-]*$|- query: violates `additionalProperties`\s*$")
"""A parameter that Loom does not know has no effect, as HTTP has it; only that is wrong with such a request."""
_PHASES = (Phase.explicit, Phase.generate)


def _settings(examples: int, **more: Any) -> Any:
    return settings(
        **more, max_examples=examples, deadline=None, database=None, phases=_PHASES, print_blob=False,
        suppress_health_check=list(HealthCheck), derandomize=False,
    )  # fmt: skip


@pytest.fixture
def schema(counting: Counting) -> Any:
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", counting)
    schema.config.generation.update(with_security_parameters=False)
    return schema


@pytest.mark.timeout(3600)
def test_every_route_keeps_the_document(
    schema: Any, counting: Counting, sign_in: SignIn, request: pytest.FixtureRequest
) -> None:
    wanted, signed_in = request.config.getoption("--requests"), sign_in()
    operations = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    # No identity provider is configured here, so these answer 503 as they should (`tests/api/test_oauth2.py`).
    operations = [operation for operation in operations if "/auth/oauth2" not in operation.path]
    share = ceil(wanted / len(operations) / len(_MODES))
    failures = {operation.label: failure for operation in operations
                if (failure := _fuzz(operation, share, signed_in)) is not None}  # fmt: skip
    print(f"{counting.requests} requests to {len(operations)} operations")
    assert not failures, "\n\n".join(f"{label}\n{failure}" for label, failure in failures.items())
    assert counting.requests >= wanted * 0.8


def _fuzz(operation: Any, examples: int, headers: dict[str, str]) -> str | None:
    """Try one operation, so often with each of what the document allows and what it does not; gives what went wrong."""
    problems = []
    for mode in _MODES:

        @_settings(examples)  # type: ignore[untyped-decorator]
        @given(case=operation.as_strategy(mode))
        def attempt(case: Any) -> None:
            case.call_and_validate(headers=headers, excluded_checks=[positive_data_acceptance])

        try:
            attempt()
        except (Unsatisfiable, SkipTest):
            continue  # nothing about this operation can be wrong
        except BaseExceptionGroup as error:
            problems += [problem for each in _flat(error) if not _IGNORED.search(problem := str(each))]
    return "\n".join(problems) or None


def _flat(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _flat(each)
    else:
        yield error


@pytest.mark.timeout(3600)
def test_sequences_of_requests_keep_the_document(
    schema: Any, counting: Counting, platform: Platform, sign_in: SignIn, request: pytest.FixtureRequest
) -> None:
    wanted = request.config.getoption("--requests") // 3

    class Workflow(schema.as_state_machine()):  # type: ignore[misc]
        """Elements that one request makes are used by those after it. All are signed in, whatever is generated."""

        def setup(self) -> None:
            """Begin each sequence with nothing: hypothesis insists that the same choices lead to the same answers."""
            begin_anew(platform)
            self.signed_in = sign_in()

        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            """Sign every request."""
            return {"headers": self.signed_in}

        def validate_response(self, response: Any, case: Any, **options: Any) -> None:
            """Check what an answer says. Whether signing in is asked for has been checked route by route."""
            case.validate_response(
                response, excluded_checks=[positive_data_acceptance, ignored_auth], recorder=self.recorder
            )

    Workflow.run(settings=_settings(max(2, wanted // _STEPS), stateful_step_count=_STEPS))
    print(f"{counting.requests} requests in sequences")
