"""The table of access: a row for every route."""

from __future__ import annotations

from tests.support import (
    access_rows_assets,
    access_rows_content,
    access_rows_likeness,
    access_rows_parts,
    access_rows_people,
)
from tests.support.access import Row

_AREAS = (access_rows_people, access_rows_assets, access_rows_content, access_rows_parts, access_rows_likeness)
ROWS: list[Row] = [row for area in _AREAS for row in area.ROWS]
