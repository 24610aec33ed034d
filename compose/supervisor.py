"""Runs all programs of one machine: starts them in order, restarts what crashes, ends everything in reverse order.

```
start:  stage 1 ready ─▶ stage 2 ready ─▶ ... ─▶ announced        crash: wait, start again
stop:   last stage ─▶ ... ─▶ stage 1, each asked first and killed when its time is over
```

Why not honcho or another supervisor: docs/adr/0004-own-supervisor.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from compose.children import Child, Program
from compose.console import Console
from compose.descendants import adopt_orphans, bury_orphans, kill_orphans
from compose.wakeups import Wakeups
from models.errors import LoomError, Unavailable

STOPPED, FAILED, KILLED = 0, 1, 130
_IDLE_SECONDS = 1
_POLL_SECONDS = 0.05
_LAST_WORDS_SECONDS = 1


@dataclass(frozen=True)
class Policy:
    """How patient the supervisor is."""

    crash_limit: int = 5
    """So many crashes of one child ..."""
    crash_window_seconds: float = 60
    """... within this time stop everything. A SIGKILL is none: it tells of who sent it, not of a broken program."""
    first_delay_seconds: float = 0.2
    """Before the first restart; doubled with each crash within the window ..."""
    longest_delay_seconds: float = 2
    """... up to this."""
    stop_seconds: float = 9
    """All stages must have ended."""
    stage_reserve_seconds: float = 3
    """Kept, of `stop_seconds`, for each earlier stage that still runs."""
    echo_seconds: float = 0.5
    """A second stop signal within this is taken for an echo of the first: wrappers like to pass on what the terminal
    sent to the group anyway."""


class _StopRequested(Exception):
    """Somebody asked for an orderly end."""


@dataclass
class _Supervised:
    child: Child
    stage: int
    crashes: list[float] = field(default_factory=list)
    kills: list[float] = field(default_factory=list)
    restart_at: float | None = None


class Supervisor:
    """Runs stages of programs until it is asked to stop. It must own its process: it reaps every child there is."""

    def __init__(self, stages: Sequence[Sequence[Program]], console: Console, policy: Policy | None = None) -> None:
        self._stages = stages
        self._console = console
        self._policy = policy or Policy()
        self._all: list[_Supervised] = []

    def run(self, announce: Callable[[], str]) -> int:
        """Run until a stop signal, then end everything.

        Returns:
            STOPPED after an orderly end, FAILED if a child could not be kept running, KILLED after a second signal.
        """
        adopt_orphans()
        with Wakeups() as self._wakeups:
            code = FAILED
            try:
                self._run(announce)
            except _StopRequested:
                self._console.say("stopping; another Ctrl-C kills")
                code = STOPPED
            except (LoomError, OSError) as error:
                self._console.say(f"stopping everything: {error}")
            finally:
                code = self._stop_all() or code
            return code

    def _run(self, announce: Callable[[], str]) -> None:
        for number, stage in enumerate(self._stages):
            self._start_stage(number, stage)
        self._console.say(announce())
        while True:
            self._tick(_IDLE_SECONDS)

    def _start_stage(self, number: int, programs: Sequence[Program]) -> None:
        stage = [_Supervised(Child(program, self._console.write_line), number) for program in programs]
        for one in stage:
            self._all.append(one)
            one.child.start()
        started = time.monotonic()
        for one in stage:
            while not one.child.is_ready:
                self._tick(_POLL_SECONDS)
                self._check_patience(one.child, time.monotonic() - started)

    def _check_patience(self, child: Child, waited_seconds: float) -> None:
        if waited_seconds > child.program.ready_timeout_seconds:
            raise Unavailable(f"{child.name} is not ready after {waited_seconds:.0f} s{_quote(child)}")

    def _tick(self, timeout_seconds: float) -> None:
        """Wait for something to happen, then see to it."""
        due = [one.restart_at - time.monotonic() for one in self._all if one.restart_at is not None]
        if self._wakeups.wait(min([timeout_seconds, *due])):
            raise _StopRequested
        for one in self._all:
            if one.restart_at is None:
                self._look_after(one)
            elif one.restart_at <= time.monotonic():
                one.restart_at = None
                one.child.start()
        bury_orphans(self._own())

    def _look_after(self, one: _Supervised) -> None:
        if not one.child.has_ended():
            return
        if not one.child.program.one_shot:
            self._plan_restart(one)
        elif one.child.exit_code:
            raise Unavailable(f"{one.child.name} {one.child.ending}{_quote(one.child)}")

    def _plan_restart(self, one: _Supervised) -> None:
        """Clean up after a crash, and decide when to try again.

        Raises:
            Unavailable: it crashes all the time.
        """
        kill_orphans(self._own())
        policy, now, child = self._policy, time.monotonic(), one.child
        (one.kills if child.was_killed else one.crashes).append(now)
        one.crashes, one.kills = (
            [at for at in times if at > now - policy.crash_window_seconds] for times in (one.crashes, one.kills)
        )
        if len(one.crashes) >= policy.crash_limit:
            often = f"{len(one.crashes)} crashes within {policy.crash_window_seconds:g} s"
            raise Unavailable(f"{child.name} {child.ending} ({often}){_quote(child)}")
        doublings = len(one.crashes) + len(one.kills) - 1
        delay = min(policy.longest_delay_seconds, policy.first_delay_seconds * 2 ** min(doublings, 16))
        one.restart_at = now + delay
        self._console.say(f"{child.name} {child.ending}; it starts again in {delay:g} s")

    def _stop_all(self) -> int | None:
        """End every child, last stage first.

        Returns:
            KILLED if a second signal cut it short.
        """
        began = time.monotonic()
        is_hurried = False
        for number in reversed(range(len(self._stages))):
            reserve = self._policy.stage_reserve_seconds * len(
                {one.stage for one in self._running() if one.stage < number}
            )
            deadline = began + self._policy.stop_seconds - reserve
            is_hurried = self._stop_stage(number, began, deadline, is_hurried=is_hurried)
        kill_orphans(())
        self._hear_out()
        return KILLED if is_hurried else None

    def _hear_out(self) -> None:
        """Last words tell why something ended: none may be lost because a reader was late."""
        deadline = time.monotonic() + _LAST_WORDS_SECONDS
        for one in self._all:
            one.child.hear_out(deadline - time.monotonic())

    def _stop_stage(self, number: int, began: float, deadline: float, *, is_hurried: bool) -> bool:
        stage = [one.child for one in self._running() if one.stage == number]
        for child in stage:
            child.stop()
        while not is_hurried and not _have_ended(stage) and time.monotonic() < deadline:
            is_asked = self._wakeups.wait(_POLL_SECONDS)
            is_hurried = is_asked and time.monotonic() > began + self._policy.echo_seconds
        for child in stage:
            if not child.has_ended():
                self._console.say(f"{child.name} does not end; killing it")
                child.kill()
                child.wait(self._policy.stage_reserve_seconds)
        return is_hurried

    def _running(self) -> list[_Supervised]:
        return [one for one in self._all if not one.child.has_ended()]

    def _own(self) -> set[int]:
        return {pid for one in self._all if (pid := one.child.pid) is not None}


def _have_ended(children: list[Child]) -> bool:
    return all(child.has_ended() for child in children)


def _quote(child: Child) -> str:
    return f"; its last lines:{lines}" if (lines := child.last_lines) else ""
