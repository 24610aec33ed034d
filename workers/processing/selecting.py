"""What of a pool a scan looks at: patterns, hidden files, sizes and ages."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence

from pathspec import GitIgnoreSpec

from models.scan_rules import ScanRules
from workers.processing.walking import FoundFile

_NANOSECONDS = 10**9

PathTest = Callable[[bytes], bool]


class Selection:
    """The rules of a pool together with the patterns of one scan."""

    def __init__(self, rules: ScanRules, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> None:
        self._tests = list(_path_tests(rules, include, exclude))
        self._largest = rules.max_size
        self._newest = time.time_ns() - rules.min_age_seconds * _NANOSECONDS if rules.min_age_seconds else None

    @property
    def paths(self) -> PathTest | None:
        """Tells of a path whether it is looked at; None if all are."""
        return self.takes_path if self._tests else None

    @property
    def takes_all_files(self) -> bool:
        """Whether neither size nor age keep a file from being looked at."""
        return self._largest is None and self._newest is None

    def takes_path(self, path: bytes) -> bool:
        """Whether a path below the root is looked at; that of a directory ends in `/`, and all below goes with it."""
        return all(test(path) for test in self._tests)

    def takes_file(self, found: FoundFile) -> bool:
        """Whether a file of this size and age is looked at."""
        return (self._largest is None or found.size <= self._largest) and (
            self._newest is None or max(found.mtime_ns, found.ctime_ns) <= self._newest
        )


def _path_tests(rules: ScanRules, include: Sequence[str], exclude: Sequence[str]) -> Sequence[PathTest]:
    tests: list[PathTest] = []
    if not rules.hidden:
        tests.append(_is_shown)
    if patterns := (*rules.exclude, *exclude):
        tests.append(_matches_none(patterns))
    tests.extend(_matches_some(patterns) for patterns in (rules.include, include) if patterns)
    return tests


def _is_shown(path: bytes) -> bool:
    return not path.startswith(b".") and b"/." not in path


def _matches_none(patterns: Sequence[str]) -> PathTest:
    spec = GitIgnoreSpec.from_lines(patterns)
    return lambda path: not spec.match_file(os.fsdecode(path))


def _matches_some(patterns: Sequence[str]) -> PathTest:
    """Of directories nobody can tell before their files have been seen."""
    spec = GitIgnoreSpec.from_lines(patterns)
    return lambda path: path.endswith(b"/") or spec.match_file(os.fsdecode(path))
