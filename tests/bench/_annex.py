"""`git annex add` as a floor: from the PATH, or from its package, installed for the time of the benchmark."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from models.settings import child_environment


def seconds_of_annex(files: Sequence[Path]) -> float | None:
    """Add copies of some files to a new repository, by SHA512E; None where there is neither git nor git-annex."""
    with tempfile.TemporaryDirectory(prefix="loom-bench-annex-") as folder:
        place = Path(folder)
        environment = _find(place / "venv")
        if environment is None:
            return None
        repository = place / "repository"
        repository.mkdir()
        for number, file in enumerate(files):
            shutil.copyfile(file, repository / f"{number}{file.suffix}")
        _run(("git", "init", "-q"), repository, environment)
        _run(("git", "annex", "init", "-q"), repository, environment)
        begun = time.perf_counter()
        _run(("git", "-c", "annex.backend=SHA512E", "annex", "add", "-q", "."), repository, environment)
        return time.perf_counter() - begun


def _find(venv: Path) -> Mapping[str, str] | None:
    identity = {f"GIT_{role}_{what}": "bench" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = child_environment(**identity)
    if shutil.which("git") is None:
        return None
    if shutil.which("git-annex") is None:
        try:
            _run((sys.executable, "-m", "venv", str(venv)), venv.parent, environment)
            _run((str(venv / "bin/python"), "-m", "pip", "install", "-q", "git-annex"), venv.parent, environment)
        except subprocess.CalledProcessError:
            return None
        environment["PATH"] = f"{venv / 'bin'}{os.pathsep}{environment['PATH']}"
    return environment


def _run(command: Sequence[str], place: Path, environment: Mapping[str, str]) -> None:
    subprocess.run(command, cwd=place, env=environment, check=True, stdout=subprocess.DEVNULL)
