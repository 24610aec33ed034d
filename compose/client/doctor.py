"""`loom doctor`: what is wrong with the set-up, and how to mend it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from compose.client.api import Api, is_loopback, json_object
from compose.client.credentials import credentials_file
from compose.client.exits import UNREACHABLE_REMEDY, ExitCode
from compose.client.findings import (
    Finding,
    Level,
    clock_finding,
    component_findings,
    disk_finding,
    drift_finding,
    index_finding,
    kinds_finding,
    queue_finding,
    token_finding,
    webhooks_finding,
    workers_finding,
)
from compose.client.output import Json
from compose.client.session import LoomCommand, Session, with_session
from models.errors import ConfigurationError, LoomError, Unauthorized
from models.paths import decode_path
from models.settings import Settings

_OTHERS_MAY_READ = 0o077


def _check_settings(api: Api) -> Iterator[Finding]:
    """The variables are those of a server on this machine, and the disk is its own, if it is here."""
    try:
        settings = Settings.from_env()
    except ConfigurationError as error:
        yield Finding("settings", Level.FAIL, error.message, "correct or unset these variables; README has them all")
        return
    yield Finding("settings", Level.OK, "the LOOM_ variables are right")
    if is_loopback(api.server) and settings.home.is_dir() and not settings.storage_url:
        yield disk_finding(shutil.disk_usage(settings.home).free, settings.storage_min_free_space)


def _check_credentials(_: Api) -> Iterator[Finding]:
    file = credentials_file()
    if file.exists() and file.stat().st_mode & _OTHERS_MAY_READ:
        yield Finding("login file", Level.WARN, f"others can read {file}", f"`chmod 600 {file}`, then log in again")


def _check_server(api: Api) -> Iterator[Finding]:
    answer = api.request("GET", "/health", also=503)
    health = json_object(answer)
    yield Finding("server", Level.OK, f"{api.server} answers, version {health.get('version', 'unknown')}")
    yield clock_finding(answer.headers.get("Date"), datetime.now(UTC))
    yield from component_findings(health)


def _check_token(api: Api) -> Iterator[Finding]:
    if api.token is None:
        raise Unauthorized(f"not signed in to {api.server}")
    username = api.get("/me").get("username", "unknown")
    yield token_finding(api.token, username, api.server, datetime.now(UTC))


def _check_search(api: Api) -> Iterator[Finding]:
    yield index_finding(api.get("/search/status"))


def _check_tasks(api: Api) -> Iterator[Finding]:
    waiting = api.get("/tasks", filter="state[eq]=PENDING", sort="queued", limit=1)["data"]
    running = api.total_count("/tasks", filter="state[eq]=RUNNING")
    since = [datetime.fromisoformat(task["queued"]) for task in waiting if task.get("queued")]
    yield queue_finding((datetime.now(UTC) - since[0]).total_seconds() if since else None, running)


def _check_processors(api: Api) -> Iterator[Finding]:
    yield workers_finding(api.get("/processors")["data"])
    yield kinds_finding(api.get("/pipeline/node-descriptors")["availability"])


def _check_indexes(api: Api) -> Iterator[Finding]:
    yield drift_finding(api.get("/search-indices")["data"])


def _check_webhooks(api: Api) -> Iterator[Finding]:
    yield webhooks_finding(api.elements("/webhooks"))


def _check_pools(api: Api) -> Iterator[Finding]:
    """Look for the folders of the pools, which only a client on the server's machine can."""
    if not is_loopback(api.server):
        return
    gone = [pool for pool in api.elements("/asset-pools") if _is_gone(pool)]
    for pool in gone:
        told = f"the folder of {pool['name']} is gone: {pool['fsPath']}"
        yield Finding("pools", Level.FAIL, told, f"bring the folder back, or `loom pools remove {pool['uuid']}`")
    if not gone:
        yield Finding("pools", Level.OK, "the folders of all pools are there")


def _is_gone(pool: Json) -> bool:
    path = pool.get("fsPath")
    try:
        return path is not None and not Path(decode_path(path).decode("utf-8", "surrogateescape")).is_dir()
    except PermissionError:
        return False


# Each needs what those before it have checked: nothing can be asked of a server that is down.
_ALONE: tuple[Callable[[Api], Iterator[Finding]], ...] = (_check_settings, _check_credentials)
_SERVER = (_check_server, _check_token)
_SIGNED_IN = (
    _check_search, _check_indexes, _check_tasks, _check_processors, _check_pools, _check_webhooks,
)  # fmt: skip


def _remedy_of(name: str, api: Api) -> str:
    if name == "server":
        return UNREACHABLE_REMEDY
    if name == "token":
        return f"`loom login --server {api.server}`"
    return "see the log of Loom"


def _examine(api: Api, checks: tuple[Callable[[Api], Iterator[Finding]], ...]) -> Iterator[Finding]:
    """Run checks until one cannot be made, which is a finding itself."""
    for check in checks:
        name = check.__name__.removeprefix("_check_")
        try:
            yield from check(api)
        except LoomError as error:
            yield Finding(name, Level.FAIL, error.message, _remedy_of(name, api))
            return


def diagnose(api: Api) -> Iterator[Finding]:
    """Run all checks that can be made."""
    yield from _examine(api, _ALONE)
    basic = list(_examine(api, _SERVER))
    yield from basic
    if not any(finding.check in {"server", "token"} and finding.level is Level.FAIL for finding in basic):
        for check in _SIGNED_IN:
            yield from _examine(api, (check,))


@click.command(cls=LoomCommand)
@with_session
def doctor(session: Session) -> ExitCode:
    """Say what is wrong with the set-up and how to mend it; ends with 1 if something is."""
    findings = list(diagnose(session.api))
    for finding in findings:
        session.output.line(finding.level, f"{finding.check}: {finding.message}")
        if finding.remedy:
            session.output.line("    ", finding.remedy)
    failed = any(finding.level is Level.FAIL for finding in findings)
    if session.output.as_json:
        session.output.document({"ok": not failed, "checks": [finding.as_json() for finding in findings]})
    return ExitCode.FAILED if failed else ExitCode.DONE
