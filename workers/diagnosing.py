"""Finding out how a part runs, where that was asked for: where its time goes, and how much memory it takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from threading import Event, Thread

import orjson
import psutil
from pyinstrument import Profiler
from pyinstrument.renderers import ConsoleRenderer, SpeedscopeRenderer
from sqlalchemy.exc import SQLAlchemyError

from models.logs import get_logger
from models.services.diagnostics import MOST_PARTS, NewFile, keep
from models.services.work import Claim
from models.wiring import Platform

_PROFILE_SECONDS = 0.005
_LONGEST = 8 * 1024**2
"""Characters of a file; a longer one, of a part that ran for long, is left out."""
_MEMORY_SECONDS = 0.05
_MOST_SAMPLES = 2_000
"""When there are more, every other one is forgotten, and half as many are taken from then on."""

Files = list[NewFile]
logger = get_logger(__name__)


@contextmanager
def diagnosing(platform: Platform, claimed: Claim, wanted: Sequence[str]) -> Iterator[None]:
    """Find out what is wanted about the work in the block, and keep it, however that ends."""
    if not wanted or claimed.seq >= MOST_PARTS:
        yield
        return
    files: Files = []
    try:
        with ExitStack() as stack:
            for kind in wanted:
                stack.enter_context(_KINDS[kind](f"{kind}-{claimed.seq}-{claimed.attempt}", files))
            yield
    finally:
        try:
            with platform.unit_of_work() as uow:
                keep(uow, claimed.task_id, [each for each in files if len(each.content) <= _LONGEST])
                uow.commit()
        except SQLAlchemyError:
            logger.warning("diagnostics are lost: the database is away", task=str(claimed.task_id), exc_info=True)


@contextmanager
def _profiling(name: str, files: Files) -> Iterator[None]:
    """Look every few milliseconds where the thread is; what other threads and processes do for it does not count."""
    profiler = Profiler(interval=_PROFILE_SECONDS, async_mode="disabled")
    profiler.start()
    try:
        yield
    finally:
        session = profiler.stop()
        text = ConsoleRenderer(unicode=True, show_all=False).render(session)
        files.append(NewFile(f"{name}.txt", "text/plain; charset=utf-8", text))
        files.append(NewFile(f"{name}.speedscope.json", "application/json", SpeedscopeRenderer().render(session)))


@contextmanager
def _weighing(name: str, files: Files) -> Iterator[None]:
    """Look again and again how much memory the process has, with those that it has started, in bytes."""
    samples: list[tuple[float, int]] = []
    done = Event()
    sampler = Thread(target=_sample, args=(samples, done), daemon=True)
    sampler.start()
    try:
        yield
    finally:
        done.set()
        sampler.join()
        told = {
            "unit": "bytes", "peak": max(size for _, size in samples),
            "begin": samples[0][1], "end": samples[-1][1], "samples": samples,
        }  # fmt: skip
        files.append(NewFile(f"{name}.json", "application/json", orjson.dumps(told).decode()))


def _sample(samples: list[tuple[float, int]], done: Event) -> None:
    process, begun, pause = psutil.Process(), time.monotonic(), _MEMORY_SECONDS
    while True:
        is_last = done.wait(pause) if samples else False
        samples.append((round(time.monotonic() - begun, 3), _resident(process)))
        if is_last:
            return
        if len(samples) > _MOST_SAMPLES:
            del samples[1::2]
            pause *= 2


def _resident(process: psutil.Process) -> int:
    total: int = process.memory_info().rss
    for child in process.children(recursive=True):
        with suppress(psutil.Error):  # it has ended meanwhile
            total += child.memory_info().rss
    return total


_KINDS: dict[str, Callable[[str, Files], AbstractContextManager[None]]] = {"profile": _profiling, "memory": _weighing}
