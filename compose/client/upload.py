"""`loom upload`: send files, then wait for what Loom makes of them."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO

import click

from compose.client.api import Api, json_object
from compose.client.displays import watch
from compose.client.exits import ExitCode, Unreachable
from compose.client.output import Json
from compose.client.session import LoomCommand, Session, with_session
from compose.client.text import clean
from compose.client.transfer import transfer_bar
from models.errors import Forbidden, InvalidInput, LoomError, Unauthorized
from models.paths import display_name

_CHUNK_SIZE = 256 * 1024


@dataclass(frozen=True)
class Upload:
    """What became of one file: sent and `task` runs, or at once an asset, or an error."""

    file: Path
    task: Json | None = None
    asset: Json | None = None
    error: str | None = None
    code: ExitCode = ExitCode.FAILED
    """What the command ends with if there is an `error`, and the same one for every file."""


def send_file(api: Api, file: Path, advance: Callable[[int], None] = lambda _count: None) -> Upload:
    """Send one file with constant memory.

    Raises:
        InvalidInput: if it is no file that can be read.
    """
    with _opened(file) as stream:
        size = os.fstat(stream.fileno()).st_size
        answer = api.request(
            "POST",
            "/assets/upload",
            params={"filename": display_name(os.fsencode(file.name))},
            content=_chunks(stream, size, advance),
            headers={"Content-Type": "application/octet-stream", "Content-Length": str(size)},
        )
    body = json_object(answer)
    if answer.status_code == HTTPStatus.ACCEPTED:
        return Upload(file, task=body)
    return Upload(file, asset=body)


def _opened(file: Path) -> BinaryIO:
    """Open a regular file; a pipe or device would have no size to tell, and could block for ever."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise InvalidInput(error.strerror) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InvalidInput("This is not a file; for a folder use `loom pools add`")
    return os.fdopen(descriptor, "rb")


def _chunks(stream: BinaryIO, size: int, advance: Callable[[int], None]) -> Iterator[bytes]:
    """Give exactly the bytes that were promised, even if the file grows meanwhile."""
    left = size
    while left and (chunk := stream.read(min(left, _CHUNK_SIZE))):
        left -= len(chunk)
        yield chunk
        advance(len(chunk))
    if left:
        raise InvalidInput("The file became shorter while it was being sent")


def finish(session: Session, upload: Upload) -> Upload:
    """Wait until an upload's task has ended."""
    if upload.task is None:
        return upload
    task = watch(session, upload.task["uuid"])
    if task["state"] != "SUCCEEDED":
        reason = (task.get("error") or {}).get("message", f"the task ended {task['state']}")
        return Upload(upload.file, task=task, error=reason)
    return Upload(upload.file, task=task, asset=task.get("result") or {})


def asset_uuid_of(upload: Upload) -> str | None:
    """Give the asset that holds the file's bytes."""
    asset = upload.asset or {}
    return asset.get("assetUuid") or asset.get("uuid")


def _try_send(session: Session, file: Path) -> Upload:
    """Send a file; what is wrong with one file does not keep the others from being sent."""
    try:
        size = file.stat().st_size if file.is_file() else None
        with transfer_bar(session.output, file.name, size) as advance:
            return send_file(session.api, file, advance)
    except (Unauthorized, Forbidden):
        raise  # the next file would fare no better
    except LoomError as error:
        code = ExitCode.UNREACHABLE if isinstance(error, Unreachable) else ExitCode.FAILED
        return Upload(file, error=error.message, code=code)


def _as_json(upload: Upload) -> Json:
    values = {
        "file": str(upload.file),
        "state": "FAILED" if upload.error else "DONE",
        "assetUuid": asset_uuid_of(upload),
        "task": upload.task,
        "error": upload.error,
    }
    return {key: value for key, value in values.items() if value is not None}


def _tell(session: Session, upload: Upload) -> None:
    session.output.line(f"{clean(upload.file)}:", _outcome_text(upload))


def _outcome_text(upload: Upload) -> str:
    if upload.error:
        return f"FAILED: {upload.error}"
    if upload.asset is None:
        return f"sent, task {(upload.task or {}).get('uuid')}"
    was_known = " (these bytes were known already)" if upload.asset.get("status") == "EXISTING" else ""
    return f"asset {asset_uuid_of(upload)}{was_known}"


@click.command(cls=LoomCommand)
@with_session
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--no-wait", is_flag=True, help="Return when all is sent; print the tasks.")
def upload(session: Session, files: tuple[Path, ...], *, no_wait: bool) -> ExitCode:
    """Send files to Loom. The same bytes are never kept twice."""
    sent = [_try_send(session, file) for file in files]
    ended: list[Upload] = []
    for one in sent:
        ended.append(one if no_wait else finish(session, one))
        _tell(session, ended[-1])
    if session.output.as_json:
        session.output.document({"data": [_as_json(one) for one in ended]})
    return _exit_code(ended)


def _exit_code(uploads: list[Upload]) -> ExitCode:
    failed = [one for one in uploads if one.error is not None]
    if not failed:
        return ExitCode.DONE
    if len(failed) < len(uploads):
        return ExitCode.PARTIAL
    codes = {one.code for one in failed}
    return codes.pop() if len(codes) == 1 else ExitCode.FAILED
