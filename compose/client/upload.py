"""`loom upload`: hash files, skip what the server knows, send the rest, then wait for what Loom makes of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import click

from compose.client.displays import watch
from compose.client.exits import ExitCode, Interrupted, Unreachable
from compose.client.local_files import Stop, find_files, hash_file
from compose.client.output import Json
from compose.client.sending import Transfer, send_file
from compose.client.session import LoomCommand, Session, with_session
from compose.client.text import clean
from compose.client.transfer import transfer_bar
from models.errors import Forbidden, InvalidInput, LoomError, NotFound, Unauthorized

_BATCH = 256
"""So many files are hashed and looked up at a time."""
_PARALLEL = 4


@dataclass(frozen=True)
class Upload:
    """What became of one file: sent and `task` runs, or at once an asset, or an error."""

    file: Path
    task: Json | None = None
    asset: Json | None = None
    error: str | None = None
    code: ExitCode = ExitCode.FAILED
    """What the command ends with if there is an `error`, and the same one for every file."""


def sent(file: Path, answer: Json) -> Upload:
    """Tell what the server has answered: a task, or the asset if it was done at once."""
    return Upload(file, task=answer) if "state" in answer else Upload(file, asset=answer)


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


class _Uploads:
    """Many files on their way, several at a time; what is wrong with one does not keep the others from being sent."""

    def __init__(self, transfer: Transfer, pool: ThreadPoolExecutor) -> None:
        self._transfer, self._pool = transfer, pool

    def send(self, files: Sequence[Path]) -> Iterator[Upload]:
        """Send a batch; gives what became of each, in their order.

        Raises:
            Unauthorized, Forbidden: as no other file would fare better.
        """
        hashes = list(self._pool.map(self._hash, files))
        try:
            known = self._look_up([each for each in hashes if isinstance(each, str)])
        except Unauthorized:
            raise
        except LoomError as error:
            yield from map(_failed, files, (each if isinstance(each, LoomError) else error for each in hashes))
        else:
            yield from self._pool.map(lambda file, sha512: self._send(file, sha512, known), files, hashes)

    def _hash(self, file: Path) -> str | LoomError:
        try:
            return hash_file(file, self._transfer.stop)
        except OSError as error:
            return InvalidInput(error.strerror)
        except InvalidInput as error:
            return error

    def _look_up(self, hashes: Sequence[str]) -> Mapping[str, Json]:
        """Ask what the server has of these; who may not ask, or asks an older one, sends everything."""
        try:
            answer = self._transfer.api.post("/assets/bulk/check", {"hashes": hashes}) if hashes else {}
        except (Forbidden, NotFound):
            return {}
        return {item["sha512"]: item for item in answer.get("items", ())}

    def _send(self, file: Path, sha512: str | LoomError, known: Mapping[str, Json]) -> Upload:
        if isinstance(sha512, LoomError):
            return _failed(file, sha512)
        state = known.get(sha512, {})
        if state.get("status") == "BLACKLISTED":
            return Upload(file, error="This content is blacklisted")
        if state.get("status") == "KNOWN":
            self._transfer.advance(file.stat().st_size)
            return Upload(file, asset={"uuid": state["uuid"], "status": "EXISTING"})
        try:
            return sent(file, send_file(self._transfer, file, sha512))
        except (Unauthorized, Forbidden):
            raise  # the next file would fare no better
        except LoomError as error:
            return _failed(file, error)


def _failed(file: Path, error: LoomError) -> Upload:
    code = ExitCode.UNREACHABLE if isinstance(error, Unreachable) else ExitCode.FAILED
    return Upload(file, error=error.message, code=code)


def _send_all(session: Session, files: Sequence[Path], parallel: int) -> list[Upload]:
    stop, iterator = Stop(), iter(files)
    ended: list[Upload] = []
    name = files[0].name if len(files) == 1 else f"{len(files):,} files"
    with (
        transfer_bar(session.output, name, _total(files)) as advance,
        ThreadPoolExecutor(parallel, thread_name_prefix="upload") as pool,
    ):
        uploads = _Uploads(Transfer(session.api, advance, stop), pool)
        try:
            while batch := list(islice(iterator, _BATCH)):
                ended += uploads.send(batch)
        except KeyboardInterrupt:
            raise Interrupted("what has arrived of large files stays; send them again to go on") from None
        finally:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
    return ended


def _total(files: Sequence[Path]) -> int:
    return sum(file.stat().st_size for file in files if file.is_file())


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
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE|FOLDER...")
@click.option("--no-wait", is_flag=True, help="Return when all is sent; print the tasks.")
@click.option(
    "--parallel", type=click.IntRange(1, 32), default=_PARALLEL, show_default=True, help="Files sent at a time."
)
def upload(session: Session, paths: tuple[Path, ...], *, no_wait: bool, parallel: int) -> ExitCode:
    """Send files, and all files below folders, to Loom.

    What the server knows is not sent again. Sending a large file goes on where it was cut off, also by running the
    same command again.
    """
    files = list(find_files(paths))
    ended: list[Upload] = []
    for one in _send_all(session, files, parallel) if files else ():
        ended.append(one if no_wait else finish(session, one))
        _tell(session, ended[-1])
    if session.output.as_json:
        session.output.document({"data": [_as_json(one) for one in ended]})
    elif not files:
        session.output.line("There are no files")
    return _exit_code(ended)


def _exit_code(uploads: list[Upload]) -> ExitCode:
    failed = [one for one in uploads if one.error is not None]
    if not failed:
        return ExitCode.DONE
    if len(failed) < len(uploads):
        return ExitCode.PARTIAL
    codes = {one.code for one in failed}
    return codes.pop() if len(codes) == 1 else ExitCode.FAILED
