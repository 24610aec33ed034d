"""The table of access: a row for every route."""

from __future__ import annotations

from tests.support import access_rows_assets, access_rows_content, access_rows_people
from tests.support.access import Row

ROWS: list[Row] = [*access_rows_people.ROWS, *access_rows_assets.ROWS, *access_rows_content.ROWS]
