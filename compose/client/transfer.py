"""The bar of bytes on their way up or down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from compose.client.output import Output
from compose.client.text import clean


@contextmanager
def transfer_bar(output: Output, name: str, total_bytes: int | None) -> Iterator[Callable[[int], None]]:
    """Show a bar in a terminal, else nothing; gives the function to call with each number of bytes moved."""
    if not output.is_live:
        yield lambda _count: None
        return
    label = TextColumn("{task.description}", markup=False)
    columns = (label, BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=output.console, transient=True) as progress:
        row = progress.add_task(clean(name), total=total_bytes)
        yield lambda count: progress.advance(row, count)
