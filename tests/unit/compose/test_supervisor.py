"""Real processes all the way: what a supervisor does cannot be faked."""

import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from tests.support.waiting import wait_until
from tests.unit.compose.conftest import UP, StartSupervisor, is_gone

PRINT_PID = "import os, signal, time; print('pid', os.getpid());"
STAY = f"{PRINT_PID} signal.pause()"
HANDLE = "[time.sleep(0.05) for _ in iter(int, 1)]"
"""For who handles signals: one that comes right before `signal.pause` would be handled after it only, so never."""
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {PRINT_PID} time.sleep(600)"
GRANDCHILD = "[sys.executable, '-c', 'import time; time.sleep(600)']"


def with_grandchild(*, own_session: bool) -> str:
    popen = f"subprocess.Popen({GRANDCHILD}, start_new_session={own_session})"
    return f"import subprocess, sys; print('grandchild', {popen}.pid); {STAY}"


def test_a_killed_child_is_started_again(supervise: StartSupervisor) -> None:
    run = supervise([[{"name": "worker", "code": STAY}]])
    run.wait_for("pid ")
    os.kill(run.numbers("pid")[0], signal.SIGKILL)
    run.wait_for("pid ", count=2)
    first, second = run.numbers("pid")
    assert first != second
    assert "worker was killed by SIGKILL; it starts again" in run.output
    assert run.stop() == 0
    assert is_gone(second)


def test_a_child_that_ends_by_itself_is_started_again(supervise: StartSupervisor) -> None:
    run = supervise([[{"name": "worker", "code": f"{PRINT_PID} time.sleep(0.2)"}]])
    run.wait_for("worker ended with code 0; it starts again")
    run.wait_for("pid ", count=2)
    assert run.stop() == 0


def test_a_crash_loop_stops_everything_with_the_reason(supervise: StartSupervisor) -> None:
    broken = {"name": "broken", "code": "print('the disk is on fire'); raise SystemExit(3)"}
    run = supervise([[{"name": "worker", "code": STAY}], [broken]], first_delay_seconds=0.02)
    assert run.process.wait(20) == 1
    assert "broken ended with code 3 (5 crashes within 60 s); its last lines:" in run.output
    assert run.output.rindex("    the disk is on fire") > run.output.rindex("5 crashes")
    assert is_gone(run.numbers("pid")[0])


def test_who_is_killed_again_and_again_is_started_again(supervise: StartSupervisor) -> None:
    run = supervise([[{"name": "victim", "code": STAY}]], first_delay_seconds=0.02, longest_delay_seconds=0.1)
    for kills in range(7):
        run.wait_for("pid ", count=kills + 1)
        os.kill(run.numbers("pid")[-1], signal.SIGKILL)
    run.wait_for("pid ", count=8)
    assert run.stop() == 0


def test_old_crashes_are_forgiven(supervise: StartSupervisor) -> None:
    broken = {"name": "broken", "code": f"{PRINT_PID} raise SystemExit(3)"}
    run = supervise([[broken]], first_delay_seconds=0.05, crash_window_seconds=0.05)
    run.wait_for("pid ", count=7)
    assert run.stop() == 0


def test_a_stage_waits_until_the_one_before_is_ready(supervise: StartSupervisor, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    code = f"import pathlib; time.sleep(0.5); print('now ready'); pathlib.Path({str(ready)!r}).touch(); signal.pause()"
    first = {"name": "first", "code": f"{PRINT_PID} {code}", "ready_file": str(ready)}
    once = {"name": "once", "code": "print('migrating')", "one_shot": "yes"}
    run = supervise([[first], [once], [{"name": "last", "code": f"print('last'); {STAY}"}]])
    run.wait_for(UP)
    run.wait_for("pid ", count=2)
    assert run.output.index("now ready") < run.output.index("migrating") < run.output.index("| last")
    assert run.stop() == 0


def test_a_failing_step_stops_the_start(supervise: StartSupervisor) -> None:
    once = {"name": "migrate", "code": "raise SystemExit('no such table')", "one_shot": "yes"}
    run = supervise([[{"name": "engine", "code": STAY}], [once], [{"name": "worker", "code": STAY}]])
    assert run.process.wait(20) == 1
    assert "stopping everything: migrate ended with code 1; its last lines:" in run.output
    assert "    no such table" in run.output
    assert UP not in run.output


def test_stages_end_in_reverse_order(supervise: StartSupervisor) -> None:
    slow_end = "(time.sleep(0.3), print('end of', {!r}), os._exit(0))"
    # The handler is there before the pid is told: who sees that may send the signal.
    handler = f"import signal; signal.signal(15, lambda *_: {slow_end}); {PRINT_PID} {HANDLE}"
    stages = [[{"name": name, "code": handler.format(name)}] for name in ("engine", "worker")]
    run = supervise(stages)
    run.wait_for("pid ", count=2)
    assert run.stop() == 0
    assert run.output.index("end of worker") < run.output.index("end of engine")


def test_last_words_are_heard_out(supervise: StartSupervisor) -> None:
    words = "(os.write(1, b''.join(b'word %d\\n' % n for n in range(5000))), os._exit(0))"
    code = f"import signal; signal.signal(15, lambda *_: {words}); {PRINT_PID} {HANDLE}"
    run = supervise([[{"name": "talker", "code": code}]])
    run.wait_for("pid ")
    assert run.stop() == 0
    assert run.numbers("word") == list(range(5000))


def test_a_stubborn_child_is_killed_in_time(supervise: StartSupervisor) -> None:
    run = supervise([[{"name": "mule", "code": STUBBORN}]], stop_seconds=0.5)
    run.wait_for("pid ")
    began = time.monotonic()
    assert run.stop() == 0
    assert time.monotonic() - began < 5
    assert "mule does not end; killing it" in run.output
    assert is_gone(run.numbers("pid")[0])


def test_a_second_signal_kills_at_once(supervise: StartSupervisor) -> None:
    run = supervise([[{"name": "mule", "code": STUBBORN}]], stop_seconds=600, echo_seconds=0)
    run.wait_for("pid ")
    run.process.send_signal(signal.SIGINT)
    run.wait_for("another Ctrl-C kills")
    run.process.send_signal(signal.SIGINT)
    assert run.process.wait(10) == 130
    assert is_gone(run.numbers("pid")[0])


@pytest.mark.parametrize("own_session", [False, True])
def test_children_of_a_killed_child_are_killed(supervise: StartSupervisor, own_session: bool) -> None:  # noqa: FBT001
    run = supervise([[{"name": "master", "code": with_grandchild(own_session=own_session)}]])
    run.wait_for("pid ")
    orphan = run.numbers("grandchild")[0]
    os.kill(run.numbers("pid")[0], signal.SIGKILL)
    run.wait_for("pid ", count=2)
    wait_until(lambda: is_gone(orphan))
    assert run.stop() == 0
    assert is_gone(run.numbers("grandchild")[1])


def test_nothing_stays_a_zombie(supervise: StartSupervisor) -> None:
    orphan = "import os; os.fork() or os._exit(0) if os.fork() == 0 else None"
    run = supervise([[{"name": "forker", "code": f"{orphan}; {PRINT_PID} time.sleep(0.1); signal.pause()"}]])
    run.wait_for("pid ")

    def zombies() -> list[psutil.Process]:
        below = psutil.Process(run.process.pid).children()
        return [process for process in below if process.status() == psutil.STATUS_ZOMBIE]

    wait_until(lambda: not zombies())
    assert run.stop() == 0


@pytest.mark.skipif(not Path("/proc").exists(), reason="the kernel tells children only on Linux")
def test_a_killed_supervisor_leaves_nothing(supervise: StartSupervisor) -> None:
    run = supervise([[{"name": "one", "code": STAY}, {"name": "two", "code": STAY}]])
    run.wait_for("pid ", count=2)
    run.process.kill()
    run.process.wait(10)
    wait_until(lambda: all(is_gone(pid) for pid in run.numbers("pid")))


def test_a_terminal_interrupt_does_not_reach_children(supervise: StartSupervisor) -> None:
    run = supervise([[{"name": "worker", "code": STAY}]])
    run.wait_for("pid ")
    pid = run.numbers("pid")[0]
    assert os.getsid(pid) == os.getpgid(pid) == pid
    assert run.stop() == 0


def test_a_stuck_terminal_holds_up_nothing(supervise: StartSupervisor, tmp_path: Path) -> None:
    done = tmp_path / "done"
    code = f"import pathlib; print('line\\n' * 100_000, flush=True); pathlib.Path({str(done)!r}).touch(); {STAY}"
    reader, writer = os.pipe()
    run = supervise([[{"name": "flood", "code": code}]], output=writer)
    os.close(writer)
    wait_until(done.exists)
    assert run.stop() == 0
    os.close(reader)


def test_output_never_blocks_a_child(supervise: StartSupervisor) -> None:
    flood = "import sys; sys.stdout.buffer.write(b'caf\\xe9 \\xff\\n' + b'x' * 5_000_000 + b'\\nflooded')"
    run = supervise([[{"name": "flood", "code": f"{flood}; sys.stdout.flush(); {STAY}"}]])
    run.wait_for("floodedpid ")
    assert "caf\N{REPLACEMENT CHARACTER} \N{REPLACEMENT CHARACTER}" in run.output
    assert run.stop() == 0
