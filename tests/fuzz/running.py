"""Schemathesis' own engine over the application: one of its phases, and what went wrong, each once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure
from schemathesis.engine import from_schema
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished
from schemathesis.engine.recorder import ScenarioRecorder
from schemathesis.openapi import from_wsgi

_IGNORED = re.compile(
    r"Invalid component: query[^-]*$|- query: violates `additionalProperties`\s*$|Invalid component: positive test case"
    r"|in header - object with unexpected properties"
)
"""A parameter that Loom does not know has no effect, as HTTP has it; or what was wrong now names what exists."""
_LONGEST_SHOWN = 4000
ANYTHING = "/assets/bulk/(create|update)$|/binary(/data)?$"
"""These take in whatever it is: a worker tells later what is wrong with a list, and any JSON may be a file."""
_NOT_AS_DOCUMENTED = [400, 401, 403, 406, 415, 422]
TUS: dict[str, Any] = {
    "include-path-regex": "/uploads",
    # tus 1.0 answers 412 to who does not say which protocol it is, or names another.
    "checks": {
        "missing_required_header": {"expected-statuses": [*_NOT_AS_DOCUMENTED, 412]},
        "negative_data_rejection": {"expected-statuses": [*_NOT_AS_DOCUMENTED, 404, 405, 409, 412, 428, 429]},
    },
}
_METHODS = ("get", "post", "put", "patch", "delete")
_ALL = 20_000
"""From so many requests on, everything is tried that the phase of coverage has: it knows no number of examples."""


@dataclass(frozen=True)
class Effort:
    """How many requests there shall be, and whether they are others every time."""

    requests: int
    is_random: bool

    def part(self, parts: int) -> Effort:
        """One of so many equal parts of this."""
        return replace(self, requests=self.requests // parts)


def open_schema(app: Any, headers: Mapping[str, str], phase: str, effort: Effort) -> Any:
    """Read the document of an application, to be tried by one of the engine's phases, signed in.

    The number of requests is an estimate, for each phase decides on its own what it needs.
    """
    seed = {} if effort.is_random else {"seed": 0}
    config = SchemathesisConfig.from_dict({**_settings(headers, phase), **seed})
    schema, requests = from_wsgi("/api/v1/openapi.json", app, config=config), effort.requests
    labels = [f"{method.upper()} {path}" for path, item in schema.raw_schema["paths"].items()
              for method in item if method in _METHODS]  # fmt: skip
    if phase == "coverage":
        share = max(1, min(len(labels), len(labels) * requests // _ALL))
        chosen = set(Random(None if effort.is_random else 0).sample(labels, share))
        # Not what to include: the engine includes all for which there are settings besides.
        return schema.exclude(name=[label for label in labels if label not in chosen])
    schema.config.generation.update(max_examples=max(1, requests // len(labels)))
    return schema


def _settings(headers: Mapping[str, str], phase: str) -> dict[str, Any]:
    return {
        "headers": dict(headers),
        "workers": 1,
        "continue-on-failure": True,
        # Who asks is known; what becomes of those who do not say who they are is a check of its own.
        "generation": {"with-security-parameters": False, "database": "none", "no-shrink": True},
        "phases": {"enabled": False, phase: {"enabled": True}},
        # What fits the document need not be accepted: it does not say which folders exist, what a filter may be about,
        # or which names are taken.
        "checks": {"positive_data_acceptance": {"enabled": False},
                   # Who has not the element as it is, is told so whatever they send.
                   "negative_data_rejection": {"expected-statuses": ["4xx"]},
                   "missing_required_header": {"expected-statuses": _NOT_AS_DOCUMENTED}},
        # Nobody has told this Loom which identity provider to ask; it says so.
        "operations": [TUS,
                       {"include-path-regex": ANYTHING, "checks": {"negative_data_rejection": {"enabled": False}}},
                       {"include-path-regex": "/auth/oauth2",
                        "checks": {"not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx", "503"]}}}],
    }  # fmt: skip


def failures_of(schema: Any) -> list[str]:
    """Try a schema; gives what went wrong, each with the requests that show it."""
    found: dict[Any, str] = {}
    for event in from_schema(schema).execute():
        if isinstance(event, NonFatalError | FatalError):
            text = _describe_error(event)
            found.setdefault(text, text)
        elif isinstance(event, ScenarioFinished):
            for failure, case_id in _failures(event.recorder):
                found.setdefault(failure, _describe(event.recorder, failure, case_id))
    return list(found.values())


def _failures(recorder: ScenarioRecorder) -> Iterator[tuple[Failure, str]]:
    for case_id, checks in recorder.checks.items():
        for check in checks:
            if check.failure_info is not None and not _IGNORED.search(str(check.failure_info.failure)):
                yield check.failure_info.failure, case_id


def _describe_error(event: NonFatalError | FatalError) -> str:
    error, label = (event.value, event.label) if isinstance(event, NonFatalError) else (event.exception, "engine")
    return f"{label}: {type(error).__name__}: {error}"


def _describe(recorder: ScenarioRecorder, failure: Failure, case_id: str) -> str:
    lines = [f"{failure.operation}: {failure.title}", failure.message]
    for case in recorder.iter_chain_cases(case_id=case_id):
        lines.append(f"  {case.as_curl_command()}")
        interaction = recorder.interactions.get(case.id)
        if interaction is not None and interaction.response is not None:
            lines.append(f"  -> {interaction.response.status_code} {interaction.response.content[:400]!r}")
    return "\n".join(lines)[:_LONGEST_SHOWN]
