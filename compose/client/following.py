"""Following a task to its end by long poll, through restarts of the server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from http import HTTPStatus

import httpx

from compose.client.api import Api, json_object, segment
from compose.client.exits import Unreachable
from compose.client.output import Json
from models.errors import LoomError, Unavailable

FINAL_STATES = frozenset({"SUCCEEDED", "PARTIAL", "FAILED", "CANCELLED"})
# Nobody sees more than five changes a second, and a server that answers at once must not be flooded.
_LEAST_INTERVAL_SECONDS = 0.2
_PATIENCE_SECONDS = 30.0


def is_final(task: Json) -> bool:
    """Whether the task has ended."""
    return task.get("state") in FINAL_STATES


def follow(api: Api, uuid: str, *, wait_seconds: int) -> Iterator[Json]:
    """Give the task, then each change that a poll meets, and last its final state.

    Args:
        api: The server.
        uuid: The task's.
        wait_seconds: How long the server may hold an answer back.
    """
    etag = ""
    while True:
        asked = time.monotonic()
        answer = _poll(api, uuid, wait_seconds, etag)
        if answer.status_code != HTTPStatus.NOT_MODIFIED:
            etag = answer.headers.get("ETag", "")
            task = json_object(answer)
            yield task
            if is_final(task):
                return
        time.sleep(max(0.0, _LEAST_INTERVAL_SECONDS - (time.monotonic() - asked)))


def _poll(api: Api, uuid: str, wait_seconds: int, etag: str) -> httpx.Response:
    """Ask once, again and again while the server restarts."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    headers = {"If-None-Match": etag} if etag else {}
    while True:
        try:
            return api.request("GET", f"/tasks/{segment(uuid)}", params={"wait": wait_seconds}, headers=headers)
        except (Unreachable, Unavailable) as error:
            _pause_or_give_up(error, deadline, is_first=not etag)


def _pause_or_give_up(error: LoomError, deadline: float, *, is_first: bool) -> None:
    """Wait a moment; a server that was never there is not waited for."""
    if is_first or time.monotonic() > deadline:
        raise error
    time.sleep(_LEAST_INTERVAL_SECONDS * 2)
