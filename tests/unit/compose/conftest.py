import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from compose.engines import destroy
from models.home import Home
from tests.support.waiting import wait_until

Stages = list[list[dict[str, str]]]
UP = "everything is up"


class SupervisorRun:
    """A supervisor that runs apart, with what it printed."""

    def __init__(self, file: Path, arguments: list[str], output: int | None) -> None:
        self._output = file
        with file.open("wb") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.unit.compose.supervised", *arguments],
                stdout=stream if output is None else output,
                stderr=stream,
                cwd=Path(__file__).parents[3],
            )

    @property
    def output(self) -> str:
        return self._output.read_text(errors="surrogateescape")

    def wait_for(self, text: str, count: int = 1) -> None:
        wait_until(lambda: self.output.count(text) >= count or self.process.poll() is not None)
        assert self.output.count(text) >= count, self.output

    def numbers(self, word: str) -> list[int]:
        """What children printed as `<word> <number>`."""
        return [int(number) for number in re.findall(rf"{word} (\d+)$", self.output, re.MULTILINE)]

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(20)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(15)


StartSupervisor = Callable[..., SupervisorRun]


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[StartSupervisor]:
    runs: list[SupervisorRun] = []

    def start(stages: Stages, *, home: Home | None = None, output: int | None = None, **policy: float) -> SupervisorRun:
        homes = [str(home.path)] if home else []
        arguments = [json.dumps(stages), json.dumps(policy), *homes]
        runs.append(SupervisorRun(tmp_path / f"output-{len(runs)}", arguments, output))
        return runs[-1]

    yield start
    for run in runs:
        run.end()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """One for the module: making a database takes a second. Each test leaves its engines stopped."""
    home = Home(tmp_path_factory.mktemp("home"))
    yield home
    destroy(home)


def is_gone(pid: int) -> bool:
    """Ended and reaped, by whoever has to."""
    return not psutil.pid_exists(pid)
