"""The scheduler process: wait to lead, then relay, reap and submit until told to stop or leadership is lost."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy.exc import SQLAlchemyError

from models.leadership import Leadership
from models.logs import get_logger
from models.process import run_process
from models.services.auto_runs import follow
from models.services.reaping import reap, reopen_windows
from models.services.schedules import submit_due
from models.unit_of_work import UnitOfWork
from models.wiring import Platform
from scheduler.relay import EventRelay, ProgressRelay, StatsRelay, resend_wakes
from scheduler.watching import Watcher

LOCK = "loom:scheduler"
_RING_SECONDS = 0.5
_CONNECTIONS = 6
_TROUBLE_SECONDS = 1.0

logger = get_logger(__name__)


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    run_process("scheduler", run, _CONNECTIONS)


def run(platform: Platform, stopping: Event) -> None:
    """Lead whenever possible, until stopped."""
    with Leadership(platform.engine, LOCK) as leadership:
        while leadership.acquire(stopping):
            lead(platform, leadership, stopping)


def lead(platform: Platform, leadership: Leadership, stopping: Event) -> None:
    """Do the leader's work until stopped or no longer the leader."""
    jobs = _start_jobs(platform)
    relay = EventRelay(platform)
    watcher = Watcher(platform)
    watcher.start()
    try:
        while not stopping.is_set() and leadership.is_held():
            try:
                has_more = relay.run_once()
            except SQLAlchemyError as error:
                logger.warning("the database is away", reason=type(error).__name__)
                stopping.wait(_TROUBLE_SECONDS)
                continue
            if not has_more:
                platform.bus.wait_for_ring(_RING_SECONDS)
    finally:
        watcher.stop()
        jobs.shutdown(wait=True)


def _start_jobs(platform: Platform) -> BackgroundScheduler:
    """Run the small periodic duties; each is skipped while its last run still goes on."""
    jobs = BackgroundScheduler(
        executors={"default": ThreadPoolExecutor(3)},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        timezone="UTC",
    )
    progress, stats = ProgressRelay(), StatsRelay()
    attempts, lease = platform.settings.task_max_attempts, platform.settings.task_lease_seconds
    duties: list[tuple[str, float, Callable[[UnitOfWork], object]]] = [
        ("reap", 1, lambda uow: (reap(uow, lease), reopen_windows(uow))),
        ("wake", 1, lambda uow: resend_wakes(uow, platform.bus)),
        ("auto-runs", 0.5, lambda uow: follow(uow, attempts)),
        ("submit", 1, lambda uow: submit_due(uow, attempts)),
        ("stats", 1, lambda uow: stats.run_once(uow, platform.bus)),
        ("progress", 1, lambda uow: progress.run_once(uow, platform.bus)),
    ]
    for name, seconds, duty in duties:
        jobs.add_job(_in_transaction(platform, name, duty), "interval", seconds=seconds, id=name)
    jobs.start()
    return jobs


def _in_transaction(platform: Platform, name: str, duty: Callable[[UnitOfWork], object]) -> Callable[[], None]:
    def run() -> None:
        try:
            with platform.unit_of_work() as uow:
                duty(uow)
                uow.commit()
        except SQLAlchemyError as error:
            logger.warning("duty postponed: the database is away", duty=name, reason=type(error).__name__)

    return run
