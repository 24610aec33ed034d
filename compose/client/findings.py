"""What `loom doctor` finds: one line each, with a remedy, and the judgements behind them (pure functions)."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum

from compose.client.output import Json
from compose.client.text import count_text, duration_text, size_text, words_of

_SKEW_WARN_SECONDS = 5
_SKEW_FAIL_SECONDS = 120
_EXPIRY_WARN_SECONDS = 600
_LAG_WARN = 10_000
_SHOWN = 5
_DRIFTS = ("missing", "stale", "removed")
_WELL = frozenset({"OK", "UP", "HEALTHY", "AVAILABLE", "READY", "PASS", "TRUE"})
_REMEDIES = {
    "database": "start PostgreSQL, or correct LOOM_DATABASE_URL",
    "redis": "start Redis, or correct LOOM_REDIS_URL",
    "storage": "make the blob store writable and free space on it, or correct LOOM_STORAGE_URL",
    "search": "start an indexer: `loom indexer`",
    "workers": "start workers: `loom worker --queues interactive,bulk,hash,media,webhooks,maintenance`",
    "relay": "start a scheduler, which passes events on: `loom scheduler`",
}


class Level(StrEnum):
    """How grave a finding is."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True)
class Finding:
    """What a check has found."""

    check: str
    level: Level
    message: str
    remedy: str = ""

    def as_json(self) -> Json:
        """Give it as JSON."""
        return {key: value for key, value in asdict(self).items() if value}


def clock_finding(date_header: str | None, now: datetime) -> Finding:
    """Compare the server's clock, told in whole seconds, with ours."""
    try:
        skew = abs((parsedate_to_datetime(date_header or "") - now).total_seconds())
    except (ValueError, TypeError):
        return Finding("clock", Level.WARN, "the server does not tell its time")
    if skew < _SKEW_WARN_SECONDS:
        return Finding("clock", Level.OK, "the server's clock and this one agree")
    level = Level.FAIL if skew > _SKEW_FAIL_SECONDS else Level.WARN
    told = f"the server's clock and this one differ by {duration_text(skew)}"
    return Finding("clock", level, told, "let both machines set their clocks by NTP; tokens end too early or too late")


def token_expiry(token: str) -> datetime | None:
    """Read when a JWT ends; an API key, which is none, does not."""
    try:
        payload = token.split(".")[1]
        content = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return datetime.fromtimestamp(content["exp"], UTC)
    except (IndexError, KeyError, TypeError, ValueError, OverflowError, OSError, binascii.Error):
        return None


def token_finding(token: str, username: str, server: str, now: datetime) -> Finding:
    """Judge a token that the server has accepted."""
    ends = token_expiry(token)
    if ends is None:
        return Finding("token", Level.OK, f"signed in as {username} with an API key")
    left = (ends - now).total_seconds()
    if left > _EXPIRY_WARN_SECONDS:
        return Finding("token", Level.OK, f"signed in as {username} for another {duration_text(left)}")
    told = f"signed in as {username}, but only for another {duration_text(max(left, 0))}"
    return Finding("token", Level.WARN, told, f"`loom login --server {server} --keep` makes a login that lasts")


def component_findings(health: Json) -> Iterator[Finding]:
    """Judge each part of Loom that the health answer tells about, known to this version or not."""
    parts = {key: value for key, value in health.items() if key not in {"status", "version", "timestamp", "checks"}}
    for name, state in {**parts, **(health.get("checks") or {})}.items():
        if isinstance(state, bool | str | dict):
            yield _component_finding(name, state)


def _component_finding(name: str, state: bool | str | Json) -> Finding:  # noqa: FBT001  # one of three JSON types
    details: Json = state if isinstance(state, dict) else {"status": state}
    status = str(details.get("status", details.get("available", "OK"))).upper()
    told = ", ".join(_detail_text(key, value) for key, value in details.items() if key != "status") or status.lower()
    if status in _WELL:
        return Finding(name, Level.OK, told)
    if unserved := [queue for queue, count in details.get("queues", {}).items() if not count]:
        told = f"nobody serves the queues {', '.join(unserved)}: their tasks wait for ever"
        return Finding(name, Level.FAIL, told, f"`loom worker --queues {','.join(unserved)}`; `loom indexer` for index")
    level = Level.WARN if status == "DEGRADED" else Level.FAIL
    return Finding(name, level, told, _REMEDIES.get(name, "see the log of Loom"))


def _detail_text(key: str, value: object) -> str:
    if isinstance(value, dict):
        value = ", ".join(f"{name} {number}" for name, number in value.items())
    elif isinstance(value, int) and key.lower().endswith(("bytes", "space")):
        value = size_text(value)
    return f"{words_of(key)} {value}"


def index_finding(status: Json) -> Finding:
    """Judge the text index."""
    if not status.get("available"):
        return Finding(
            "search", Level.FAIL, status.get("reason", "the text index is not available"), _REMEDIES["search"]
        )
    lag = status.get("dirtyCount", 0)
    told = f"{count_text(status.get('documentCount', 0))} documents, {count_text(lag)} waiting"
    if lag <= _LAG_WARN:
        return Finding("search", Level.OK, told)
    return Finding("search", Level.WARN, told, "wait, or see whether `loom indexer` runs; its log tells what it does")


def disk_finding(free_bytes: int, kept_bytes: int) -> Finding:
    """Judge the free space where the data lies; uploads end when only `kept_bytes` are left."""
    told = f"{size_text(free_bytes)} free, of which uploads leave {size_text(kept_bytes)}"
    if free_bytes <= kept_bytes:
        return Finding("disk", Level.FAIL, told, "free space, or move LOOM_HOME to a larger disk; uploads are refused")
    if free_bytes < 2 * kept_bytes:
        return Finding("disk", Level.WARN, told, "free space soon, or move LOOM_HOME to a larger disk")
    return Finding("disk", Level.OK, told)


def workers_finding(processors: Iterable[Json]) -> Finding:
    """Judge whether all workers work that are there; which queues have none is told by the server's health."""
    states = {str(each.get("name")): str(each.get("state")) for each in processors}
    resting = sorted(name for name, state in states.items() if state in {"PAUSED", "DRAINING", "DRAINED"})
    if not resting:
        return Finding("processors", Level.OK, f"{count_text(len(states))} workers, none at rest")
    told = f"told to take nothing: {', '.join(f'{name} ({states[name]})' for name in resting)}"
    return Finding("processors", Level.WARN, told, "`POST /processors/NAME/resume`, or end them")


def kinds_finding(availability: Json) -> Finding:
    """Judge whether there is a worker for each kind of node."""
    nowhere = sorted(kind for kind, told in availability.items() if not told.get("available", True))
    if not nowhere:
        return Finding("kinds", Level.OK, f"{count_text(len(availability))} kinds of node, all with a worker")
    told = f"no worker has the kinds {', '.join(nowhere)}: pipelines with them do not run"
    return Finding("kinds", Level.WARN, told, "install their package where a worker runs, and start that anew")


def drift_finding(indices: Iterable[Json]) -> Finding:
    """Judge what the last comparisons of the indexes with the database have found."""
    found = {str(each.get("id")): each.get("lastSync") or {} for each in indices}
    drifted = sorted(name for name, sync in found.items() if any(sync.get(kind) for kind in _DRIFTS))
    if not drifted:
        return Finding("drift", Level.OK, "the indexes were found to be as the database is")
    told = f"the last comparison had to mend the index of {', '.join(drifted)}"
    return Finding("drift", Level.WARN, told, "if that comes again, keep the log of the indexer and tell us")


def webhooks_finding(webhooks: Iterable[Json]) -> Finding:
    """Judge whether what happens gets to those who want to hear of it."""
    hooks = list(webhooks)
    bad = [hook for hook in hooks if hook.get("disabledReason") or hook.get("failingSince")]
    if not bad:
        return Finding("webhooks", Level.OK, f"{count_text(len(hooks))} webhooks, none failing")
    told = "; ".join(f"{hook.get('url')}: {hook.get('disabledReason') or 'fails'}" for hook in bad[:_SHOWN])
    return Finding("webhooks", Level.WARN, told, "`GET /webhooks/UUID/deliveries` tells what the addresses answer")


def queue_finding(oldest_wait_seconds: float | None, running: int) -> Finding:
    """Judge whether anybody works: tasks that wait while none runs mean that nobody does."""
    if oldest_wait_seconds is None:
        return Finding("tasks", Level.OK, f"{count_text(running)} running, none waiting")
    told = f"{count_text(running)} running, the oldest waits for {duration_text(oldest_wait_seconds)}"
    if running or oldest_wait_seconds < 60:  # noqa: PLR2004  # a minute is longer than any relay's delay
        return Finding("tasks", Level.OK, told)
    return Finding("tasks", Level.FAIL, told, _REMEDIES["workers"])
