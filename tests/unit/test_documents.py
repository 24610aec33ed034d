"""What the documents say of the code is so."""

import re
from pathlib import Path

from models.messages import KINDS
from models.settings import Settings
from workers.handlers import HANDLERS

ROOT = Path(__file__).parents[2]
_INTERNAL = {"worker_queues", "worker_nice"}


def test_readme_lists_every_setting_with_its_meaning() -> None:
    readme = (ROOT / "README.md").read_text()
    for name, field in Settings.model_fields.items():
        if name not in _INTERNAL:
            assert f"| `LOOM_{name.upper()}` |" in readme, name
            assert str(field.description) in readme, name


def test_every_dependency_is_justified() -> None:
    justified = (ROOT / "docs/dependencies.md").read_text()
    for line in (
        (ROOT / "pyproject.toml").read_text().partition("dependencies = [")[2].partition("]\n\n")[0].splitlines()
    ):
        name = line.strip(' ",').partition(">=")[0].partition("[")[0]
        assert not name or f"| {name} |" in justified, name


def test_every_task_kind_has_its_handler() -> None:
    assert [handler.kind for handler in HANDLERS] == list(KINDS.values())


def test_every_test_of_the_list_of_risks_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", (ROOT / "docs/security.md").read_text())
    assert len(named) > 30
    missing = [(path, name) for path, name in named if f"def {name}" not in (ROOT / path).read_text()]
    assert missing == []
