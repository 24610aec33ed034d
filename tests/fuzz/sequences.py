"""Sequences of requests: schemathesis' state machine, each sequence from a platform with nothing in it.

Not by schemathesis' engine: it keeps what earlier sequences made, and ends when hypothesis notices that the same
choices then lead to other answers.
"""

from __future__ import annotations

import re
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase
from schemathesis.config import SchemathesisConfig
from schemathesis.openapi import from_wsgi
from schemathesis.specs.openapi.checks import ignored_auth, negative_data_rejection, positive_data_acceptance

from models.wiring import Platform
from tests.fuzz.conftest import Counting, SignIn
from tests.fuzz.running import ANYTHING, TUS, Effort
from tests.support.platforms import begin_anew

_STEPS = 8
# The document says what leads to what. What schemathesis would infer besides are ten thousand rules, most of which say
# the same: more than hypothesis can choose from, and slow.
_SETTINGS = {"operations": [TUS], "phases": {"stateful": {"inference": {"algorithms": []}}}}


def run_sequences(app: Counting, platform: Platform, sign_in: SignIn, effort: Effort) -> None:
    """Send about so many requests, in sequences of eight at most.

    Raises:
        FailureGroup: with what went wrong, and the requests that led there.
    """
    schema = from_wsgi("/api/v1/openapi.json", app, config=SchemathesisConfig.from_dict(_SETTINGS))
    schema.config.generation.update(with_security_parameters=False)

    class Workflow(schema.as_state_machine()):  # type: ignore[misc]
        """Elements that one request makes are used by those after it. All are signed in, whatever is generated."""

        def setup(self) -> None:
            """Begin with nothing: hypothesis insists that the same choices lead to the same answers."""
            begin_anew(platform)
            self.signed_in = sign_in()

        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            """Sign every request."""
            return {"headers": self.signed_in}

        def validate_response(self, response: Any, case: Any, **options: Any) -> None:
            """Check what an answer says. Whether signing in is asked for has been checked route by route."""
            excluded = [positive_data_acceptance, ignored_auth]
            if re.search(ANYTHING, case.path):
                excluded.append(negative_data_rejection)
            case.validate_response(response, excluded_checks=excluded, recorder=self.recorder)

    Workflow.run(
        settings=hypothesis.settings(
            max_examples=max(2, effort.requests // _STEPS), stateful_step_count=_STEPS, deadline=None, database=None,
            phases=(Phase.explicit, Phase.generate), print_blob=False, suppress_health_check=list(HealthCheck),
            derandomize=not effort.is_random,
        )
    )  # fmt: skip
