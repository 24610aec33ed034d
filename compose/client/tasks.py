"""`loom tasks`: the work that Loom does in the background."""

from __future__ import annotations

from itertools import islice

import click

from compose.client.api import segment
from compose.client.displays import item_text, report, watch
from compose.client.exits import ExitCode, exit_code_of_state
from compose.client.output import Column
from compose.client.session import LoomGroup, Session, with_session
from compose.client.text import progress_text

_STATES = ("PENDING", "RUNNING", "CANCELLING", "SUCCEEDED", "PARTIAL", "FAILED", "CANCELLED")
_COLUMNS = (
    Column("UUID", lambda task: task["uuid"]),
    Column("STATE", lambda task: task["state"]),
    Column("KIND", lambda task: task["kind"]),
    Column("QUEUED", lambda task: task.get("queued", "-")),
    Column("PROGRESS", lambda task: progress_text(task.get("progress", {}))),
    Column("TITLE", lambda task: task.get("title", "")),
)
_ITEM_COLUMNS = (
    Column("INDEX", lambda item: item.get("index", ""), is_number=True),
    Column("STATE", lambda item: item["state"]),
    Column("ASSET", lambda item: item.get("assetUuid", "-")),
    Column("SUBJECT", item_text),
)


def _path(uuid: str) -> str:
    return f"/tasks/{segment(uuid)}"


@click.group(cls=LoomGroup)
def tasks() -> None:
    """What Loom does in the background."""


@tasks.command("list")
@with_session
@click.option("--state", type=click.Choice(_STATES, case_sensitive=False), help="Only those in this state.")
@click.option("--kind", help='Only those of this kind, such as "pools.scan".')
@click.option("--limit", type=click.IntRange(min=0), default=50, show_default=True, help="How many at most; 0: all.")
def list_tasks(session: Session, state: str | None, kind: str | None, limit: int) -> None:
    """List tasks, the newest first."""
    terms = [f"{key}[eq]={value}" for key, value in (("state", state), ("kind", kind)) if value]
    found = session.api.elements("/tasks", sort="queued", dir="DESCENDING", filter=terms)
    session.output.rows(islice(found, limit or None), _COLUMNS)


@tasks.command("show")
@with_session
@click.argument("uuid")
@click.option("--items", metavar="STATE", help="List the items in this state (DONE, FAILED, SKIPPED) instead.")
def show(session: Session, uuid: str, items: str | None) -> None:
    """Show a task, or what became of each of its items."""
    if items:
        session.output.rows(session.api.elements(f"{_path(uuid)}/items", state=items.upper()), _ITEM_COLUMNS)
    else:
        session.output.fields(session.api.get(_path(uuid)))


@tasks.command("watch")
@with_session
@click.argument("uuid")
def watch_task(session: Session, uuid: str) -> ExitCode:
    """Follow a task to its end; Ctrl-C stops looking, not the task.

    With --json: a document a line for each change (NDJSON).
    """
    task = watch(session, uuid, ndjson=True)
    return exit_code_of_state(task["state"]) if session.output.as_json else report(session, task)


@tasks.command("cancel")
@with_session
@click.argument("uuid")
def cancel(session: Session, uuid: str) -> None:
    """Ask a task to stop. What it did stays."""
    task = session.api.post(f"{_path(uuid)}/cancel", {})
    session.output.answer(task, task["state"], task.get("title", ""))


@tasks.command("retry")
@with_session
@click.argument("uuid")
@click.option("--failed", "items", flag_value="failed", default="failed", help="Only the failed items (the default).")
@click.option("--all", "items", flag_value="all", help="Every item.")
def retry(session: Session, uuid: str, items: str) -> None:
    """Let a task that has ended run again."""
    task = session.api.post(f"{_path(uuid)}/retry", {"items": items})
    session.output.answer(task, task["state"], f"Runs again. See it: loom tasks watch {task['uuid']}")
