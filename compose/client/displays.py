"""How a task that runs is shown: a bar in a terminal, lines in a pipe, NDJSON, or not at all."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, TextColumn
from rich.table import Column

from compose.client.exits import ExitCode, Interrupted, exit_code_of_state
from compose.client.following import follow, is_final
from compose.client.output import Json, Output
from compose.client.session import Session
from compose.client.text import clean, counters_text, duration_text, progress_text, size_text

_LINE_EVERY_SECONDS = 5.0
_LIVE_WAIT_SECONDS = 1
_QUIET_WAIT_SECONDS = 20
_SHOWN_FAILURES = 10


class Display(Protocol):
    """Somewhere to show how a task goes on."""

    wait_seconds: int

    def show(self, task: Json) -> None:
        """Show the task as it is now."""


class _Bar:
    """A bar with counts, rate and time left, as the server reckons them."""

    wait_seconds = _LIVE_WAIT_SECONDS

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._row = progress.add_task("waiting", total=None, detail="")

    def show(self, task: Json) -> None:
        numbers = task.get("progress", {})
        done = sum(numbers.get(key, 0) for key in ("done", "failed", "skipped"))
        self._progress.update(
            self._row,
            description=clean(task.get("title") or task.get("kind", "task")),
            total=numbers.get("total"),
            completed=done,
            detail=_waiting_text(task) or progress_text({**numbers, "percent": None}),
        )


class _Lines:
    """A line for each change of state, and one every few seconds."""

    wait_seconds = _LIVE_WAIT_SECONDS

    def __init__(self, output: Output) -> None:
        self._output = output
        self._state = ""
        self._next = 0.0

    def show(self, task: Json) -> None:
        if (task["state"] == self._state and time.monotonic() < self._next) or is_final(task):
            return
        self._state = task["state"]
        self._next = time.monotonic() + _LINE_EVERY_SECONDS
        self._output.line(task["state"], task.get("title", ""), _waiting_text(task) or _running_text(task))


class _NdJson:
    """A JSON document a line for each change."""

    wait_seconds = _LIVE_WAIT_SECONDS

    def __init__(self, output: Output) -> None:
        self._output = output

    def show(self, task: Json) -> None:
        self._output.document(task)


class _Nothing:
    """Silence, for --json."""

    wait_seconds = _QUIET_WAIT_SECONDS

    def show(self, task: Json) -> None:
        """Show nothing."""


def _waiting_text(task: Json) -> str:
    """Say why a task has not begun."""
    waiting = task.get("waiting") or {}
    if task.get("state") != "PENDING" or not waiting:
        return ""
    position = f" (position {waiting['position']})" if waiting.get("position") else ""
    return f"waiting: {waiting.get('reason', '')}{position}"


def _running_text(task: Json) -> str:
    return progress_text(task.get("progress", {})) if task.get("state") != "PENDING" else ""


def _bar_columns(width: int) -> tuple[ProgressColumn, ...]:
    """Leave the numbers the room that they need; title and bar share the rest."""
    title = TextColumn("{task.description}", markup=False, table_column=Column(max_width=18, no_wrap=True))
    detail = TextColumn("{task.fields[detail]}", markup=False, table_column=Column(no_wrap=True))
    return SpinnerColumn(), title, BarColumn(bar_width=max(6, min(40, width - 76))), detail


@contextmanager
def display_for(output: Output, *, ndjson: bool = False) -> Iterator[Display]:
    """Choose the display that fits where the output goes."""
    if output.is_live:
        with Progress(*_bar_columns(output.console.width), console=output.console, transient=True) as progress:
            yield _Bar(progress)
    elif not output.as_json:
        yield _Lines(output)
    else:
        yield _NdJson(output) if ndjson else _Nothing()


def watch(session: Session, uuid: str, *, ndjson: bool = False) -> Json:
    """Show a task until it ends, and give it as it is then. The task does not need us: Ctrl-C only looks away."""
    task: Json = {}
    try:
        with display_for(session.output, ndjson=ndjson) as display:
            for task in follow(session.api, uuid, wait_seconds=display.wait_seconds):
                display.show(task)
    except KeyboardInterrupt as error:
        raise Interrupted(
            f"the task goes on; see it with `loom tasks watch {uuid}`, stop it with `loom tasks cancel {uuid}`"
        ) from error
    return task


def report(session: Session, task: Json) -> ExitCode:
    """Tell how a task ended and give the exit code that says the same."""
    output = session.output
    if output.as_json:
        output.document(task)
    else:
        output.line(task["state"], task.get("title", ""), *_run_time(task))
        _report_details(session, task)
    return exit_code_of_state(task["state"])


def _report_details(session: Session, task: Json) -> None:
    if counters := counters_text(task.get("result") or {}):
        session.output.line(" ", counters)
    if error := task.get("error"):
        session.output.line(" ", f"{error.get('code', 'error')}: {error.get('message', '')}")
    if task.get("progress", {}).get("failed"):
        report_failed_items(session, task["uuid"])


def report_failed_items(session: Session, uuid: str) -> None:
    """Show the first items that failed, and why."""
    for count, item in enumerate(session.api.elements(f"/tasks/{uuid}/items", state="FAILED")):
        if count == _SHOWN_FAILURES:
            session.output.line(" ", f"more: loom tasks show {uuid} --items FAILED")
            return
        session.output.line(" ", "FAILED", item_text(item))


def item_text(item: Json) -> str:
    """Spell the outcome of one item."""
    reason = item.get("message") or item.get("code") or ""
    return f"{item.get('subject', item.get('index', ''))}{': ' if reason else ''}{reason}"


def _run_time(task: Json) -> list[str]:
    if task.get("runMs") is None:
        return []
    progress = task.get("progress", {})
    parts = [f"in {duration_text(task['runMs'] / 1000)}"]
    if progress.get("bytesDone") and task["runMs"]:
        parts.append(f"{size_text(progress['bytesDone'] * 1000 / task['runMs'])}/s")
    return [f"({', '.join(parts)})"]
