"""What `docs/wire-contract-coverage.md` says about tests is so."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_NAMED = re.compile(r"`(test_\w+\.py)::(test_\w+)`")


def _functions(path: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}


def test_every_test_that_the_table_names_exists() -> None:
    kept = (ROOT / "docs/wire-contract-coverage.md").read_text().partition("## Not kept")[0]
    rows = [line for line in kept.splitlines() if line.startswith("| ") and not line.startswith(("| Row", "| ---"))]
    assert len(rows) > 100
    for row in rows:
        named = _NAMED.findall(row)
        assert named, row
        for file, name in named:
            assert name in _functions(ROOT / "tests/api" / file), row


def test_every_test_of_the_contract_is_in_the_table() -> None:
    named = set(_NAMED.findall((ROOT / "docs/wire-contract-coverage.md").read_text()))
    for path in (ROOT / "tests/api").glob("test_wire_*.py"):
        tests = {name for name in _functions(path) if name.startswith("test_")}
        assert tests <= {name for file, name in named if file == path.name}, path.name


def test_every_row_that_is_not_kept_has_a_reason() -> None:
    rest = (ROOT / "docs/wire-contract-coverage.md").read_text().partition("## Not kept")[2]
    rows = [line for line in rest.splitlines() if line.startswith("| ") and not line.startswith(("| Row", "| ---"))]
    assert all(len(row.split(" | ")[1]) > 20 for row in rows)
