"""`loom pools`: folders of the server that it keeps in its catalogue."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from compose.client.api import Api, json_object
from compose.client.displays import report, watch
from compose.client.exits import ExitCode
from compose.client.output import Column, Json
from compose.client.session import LoomGroup, Session, with_session
from models.errors import NotFound
from models.paths import encode_path

_COLUMNS = (
    Column("UUID", lambda pool: pool["uuid"]),
    Column("NAME", lambda pool: pool["name"]),
    Column("SCHEDULE", lambda pool: pool.get("schedule", "-")),
    Column("PATH", lambda pool: pool.get("fsPath", "-")),
)


def find_pool(api: Api, name_or_uuid: str) -> Json:
    """Load a pool by either of its names.

    Raises:
        NotFound: if there is none.
    """
    if _is_uuid(name_or_uuid):
        return api.get(f"/asset-pools/{name_or_uuid}")
    for pool in api.elements("/asset-pools"):
        if pool["name"] == name_or_uuid:
            return pool
    raise NotFound(f"There is no pool {name_or_uuid}; see `loom pools list`")


def create_pool(api: Api, name: str, path: Path, schedule: str | None = None) -> Json:
    """Make a pool of a folder of the server, which may have any name."""
    body = {"name": name, "fsPath": encode_path(os.fsencode(path.absolute()))}
    return api.post("/asset-pools", {**body, **({"schedule": schedule} if schedule else {})})


def start_scan(api: Api, pool: Json, **options: Any) -> Json:
    """Ask for a scan, with options as the REST API spells them, and give its task."""
    return api.post(f"/asset-pools/{pool['uuid']}/scan", options)


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


@click.group(cls=LoomGroup)
def pools() -> None:
    """Folders of the server that are kept in the catalogue."""


@pools.command("add")
@with_session
@click.argument("name")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--schedule", metavar="CRON", help='When to scan by itself: "*/15 * * * *", or each "15m", "2h", "1d".')
def add(session: Session, name: str, path: Path, schedule: str | None) -> None:
    """Make the pool NAME of the folder PATH on the server."""
    pool = create_pool(session.api, name, path, schedule)
    session.output.answer(pool, f"Added pool {pool['name']} ({pool['uuid']}). Scan it: loom pools scan {pool['uuid']}")


@pools.command("list")
@with_session
def list_pools(session: Session) -> None:
    """List all pools."""
    session.output.rows(session.api.elements("/asset-pools"), _COLUMNS)


@pools.command("scan")
@with_session
@click.argument("pool", metavar="NAME-OR-UUID")
@click.option("--path", default="", help="Only what lies in this folder of the pool.")
@click.option(
    "--include", multiple=True, metavar="PATTERN", help="Only files that match, as in .gitignore; repeatable."
)
@click.option("--exclude", multiple=True, metavar="PATTERN", help="No files that match; repeatable.")
@click.option("--dry-run", is_flag=True, help="Tell what would be done, and change nothing.")
@click.option("--confirm-missing", default=0, metavar="N", help="So many files may be gone.")
@click.option("--confirm-root", is_flag=True, help="The folder may lie on another device than before.")
@click.option("--no-wait", is_flag=True, help="Start it and return at once.")
def scan(
    session: Session, pool: str, *, no_wait: bool, path: str, include: tuple[str, ...], exclude: tuple[str, ...],
    dry_run: bool, confirm_missing: int, confirm_root: bool,
) -> ExitCode:  # fmt: skip
    """Bring the catalogue up to date with a pool's folder."""
    task = start_scan(
        session.api, find_pool(session.api, pool), path=encode_path(os.fsencode(path)), include=include,
        exclude=exclude, dryRun=dry_run, confirmMissing=confirm_missing, confirmRoot=confirm_root,
    )  # fmt: skip
    if no_wait:
        session.output.answer(task, f"Started. See it: loom tasks watch {task['uuid']}")
        return ExitCode.DONE
    return report(session, watch(session, task["uuid"]))


@pools.command("remove")
@with_session
@click.argument("pool", metavar="NAME-OR-UUID")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(session: Session, pool: str, *, yes: bool) -> ExitCode:
    """Forget a pool. Its files are not touched."""
    found = find_pool(session.api, pool)
    if session.output.is_live and not yes:
        click.confirm(f"Forget pool {found['uuid']} and where its files lie?", abort=True, err=True)
    answer = session.api.delete(f"/asset-pools/{found['uuid']}")
    if answer.status_code == 202:  # noqa: PLR2004  # a large deletion is a task
        return report(session, watch(session, json_object(answer)["uuid"]))
    session.output.answer({"uuid": found["uuid"], "removed": True}, f"Removed pool {found['name']}.")
    return ExitCode.DONE
