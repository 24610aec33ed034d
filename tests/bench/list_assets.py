"""A list of 100 assets with tags: its first page, and a page behind a million rows. The two must cost the same.

Also how many SQL statements a page takes, and what creating an asset through REST costs against the bare floor: one
row inserted and committed by the driver.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import psycopg
from werkzeug.test import EnvironBuilder

from models.wiring import Platform
from tests.support.actors import first_user
from tests.support.client import ApiClient
from tests.support.serving import fresh_platform
from tests.support.settings import PASSWORD
from web.app import close_app, create_app

ROWS = 1_000_000
PAGE = 100
ROUNDS = 7
CALLS = 20

_FILL = """
    INSERT INTO asset (id, space_id, sha512, size, mime_type, filename, origin)
    SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, %(space)s,
           sha512(n::text::bytea), n, 'image/jpeg', 'picture ' || n, 'bench' FROM generate_series(1, %(rows)s) AS n
"""
_TAGS = """
    INSERT INTO asset_tag (id, asset_id, tag_id) SELECT gen_random_uuid(), id, %(tag)s FROM asset
"""


def main() -> None:
    """Print the costs and their ratios."""
    with fresh_platform() as (platform, _):
        app = create_app(platform)
        client = ApiClient(app)
        client.token = client.post("/auth/login", {"username": "admin", "password": PASSWORD})["token"]
        _fill(platform, client)
        _compare_pages(app, client)
        _compare_creation(platform, client)
        close_app(app)


def _fill(platform: Platform, client: ApiClient) -> None:
    tag = client.post("/tags", {"name": "bench"}, expect=201)["uuid"]
    with platform.engine.begin() as connection:
        driver: Any = connection.connection.driver_connection
        driver.execute(_FILL, {"space": first_user(platform).space_id, "rows": ROWS})
        driver.execute(_TAGS, {"tag": tag})
    with platform.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE asset, asset_tag")


def _compare_pages(app: Any, client: ApiClient) -> None:
    deep = f"01900000-0000-7000-8000-{ROWS - 2 * PAGE:012x}"
    first, last = _getter(app, client, f"limit={PAGE}"), _getter(app, client, f"limit={PAGE}&from={deep}")
    costs: dict[str, list[float]] = {"first": [], "last": []}
    for _ in range(ROUNDS):
        costs["first"].append(_timed(first))
        costs["last"].append(_timed(last))
    near, far = (min(costs[name]) for name in ("first", "last"))
    print(f"page of {PAGE} assets with tags: first {near:.1f} ms, behind {ROWS:,} rows {far:.1f} ms", flush=True)
    print(f"ratio {far / near:.2f}; {_statements(first)} SQL statements for the first page")


def _getter(app: Any, client: ApiClient, query: str) -> Callable[[], None]:
    headers = [("Authorization", f"Bearer {client.token}")]
    environ = EnvironBuilder(path="/api/v1/assets", query_string=query, headers=headers).get_environ()

    def get() -> None:
        status: list[str] = []
        answer = app(dict(environ), lambda code, *_: status.append(code))
        list(answer)
        answer.close()
        assert status[0].startswith("200"), status

    return get


def _timed(call: Callable[[], None]) -> float:
    start = time.perf_counter()
    for _ in range(CALLS):
        call()
    return (time.perf_counter() - start) / CALLS * 1000


def _statements(call: Callable[[], None]) -> int:
    """Count the statements that the driver is given."""
    count = 0
    original = psycopg.Cursor.execute

    def execute(self: Any, *arguments: Any, **options: Any) -> Any:
        nonlocal count
        count += 1
        return original(self, *arguments, **options)

    psycopg.Cursor.execute = execute  # type: ignore[method-assign]
    try:
        call()
    finally:
        psycopg.Cursor.execute = original  # type: ignore[method-assign]
    return count


def _compare_creation(platform: Platform, client: ApiClient) -> None:
    space = first_user(platform).space_id
    numbers = iter(range(10**9, 2 * 10**9))
    url = platform.settings.database_url or ""
    with psycopg.connect(url) as connection:

        def bare() -> None:
            number = next(numbers)
            connection.execute(
                """INSERT INTO asset (id, space_id, sha512, size, mime_type, filename, origin)
                   VALUES (gen_random_uuid(), %s, sha512(%s::text::bytea), 1, 'a/b', 'x', 'bench')""",
                (space, number),
            )
            connection.commit()

        def through_rest() -> None:
            client.post("/assets", {"sha512": f"{next(numbers):0128x}", "filename": "x"}, expect=201)

        costs: dict[str, list[float]] = {"bare": [], "rest": []}
        for _ in range(ROUNDS):
            costs["bare"].append(_timed(bare))
            costs["rest"].append(_timed(through_rest))
    floor, cost = (statistics.median(costs[name]) for name in ("bare", "rest"))
    print(f"create: bare row {floor:.2f} ms, through REST {cost:.2f} ms, {floor / cost:.2f} of the floor's rate")


if __name__ == "__main__":
    main()
