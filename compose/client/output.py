"""Standard output in its three forms: a terminal, plain lines for a pipe, JSON.

Nothing from a server reaches the terminal without `clean`, and nothing is ever read as rich markup.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import click
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from compose.client.text import clean

Json = dict[str, Any]
_ROWS_AT_ONCE = 100
_STYLES = {
    **dict.fromkeys(("SUCCEEDED", "OK", "PRESENT", "DONE"), "green"),
    **dict.fromkeys(("PARTIAL", "WARN", "CANCELLING", "MISSING"), "yellow"),
    **dict.fromkeys(("FAILED", "FAIL", "CANCELLED"), "red"),
    "RUNNING": "cyan",
}


class Column(NamedTuple):
    """A column of a list: its title, and the text of an element in it."""

    title: str
    text: Callable[[Json], object]
    is_number: bool = False


def styled(value: object) -> Text:
    """Give cleaned text, coloured if it is the name of a state."""
    text = clean(value)
    return Text(text, style=_STYLES.get(text, ""))


class Output:
    """Where a command puts its answer; progress and errors are not part of that."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        if isinstance(sys.stdout, io.TextIOWrapper):
            # A locale that lacks a letter must not end the command.
            sys.stdout.reconfigure(errors="backslashreplace")
        self.console = Console(highlight=False, markup=False, emoji=False)

    @property
    def is_live(self) -> bool:
        """Whether somebody looks at it, so that bars may move."""
        return self.console.is_terminal and not self.as_json

    def line(self, *parts: object) -> None:
        """Print one line for a person; silent with --json."""
        if self.as_json:
            return
        text = Text(" ").join(styled(part) for part in parts)
        if self.console.is_terminal:
            self.console.print(text, soft_wrap=True)
        else:
            click.echo(text.plain)

    def document(self, value: object) -> None:
        """Print one JSON document on one line, in ASCII, so that no terminal can be fooled by it."""
        click.echo(json.dumps(value))

    def answer(self, value: Json, *line: object) -> None:
        """Print the outcome of a command: the document with --json, else the line."""
        if self.as_json:
            self.document(value)
        else:
            self.line(*line)

    def rows(self, elements: Iterable[Json], columns: tuple[Column, ...]) -> int:
        """Print a list without holding it whole; give how many elements there were."""
        if self.as_json:
            return _json_list(elements)
        iterator = iter(elements)
        count = 0
        while chunk := list(islice(iterator, _ROWS_AT_ONCE)):
            if self.console.is_terminal:
                self.console.print(_table(chunk, columns, with_header=not count))
            else:
                _plain_rows(chunk, columns)
            count += len(chunk)
        return count

    def pairs(self, title: str, pairs: Iterable[tuple[str, object]]) -> None:
        """Print a short summary, framed in a terminal; silent with --json."""
        if self.as_json:
            return
        if not self.console.is_terminal:
            for label, value in pairs:
                self.line(f"{label}:", value)
            return
        table = Table(title=title, show_header=False, title_justify="left", title_style="bold")
        for label, value in pairs:
            table.add_row(Text(label), styled(value))
        self.console.print(table)

    def fields(self, element: Json) -> None:
        """Print everything that is known about one element."""
        if self.as_json:
            self.document(element)
            return
        for key, value in flatten(element):
            self.line(f"{clean(key)}:", value)


def flatten(element: object, prefix: str = "") -> Iterator[tuple[str, object]]:
    """Spread nested JSON to `(dotted.key, scalar)` pairs."""
    if isinstance(element, dict) and element:
        for key, value in element.items():
            yield from flatten(value, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(element, list) and element:
        for index, value in enumerate(element):
            yield from flatten(value, f"{prefix}[{index}]")
    else:
        yield prefix, element


def _table(chunk: list[Json], columns: tuple[Column, ...], *, with_header: bool) -> Table:
    table = Table(box=None, show_header=with_header, pad_edge=False, header_style="bold")
    for column in columns:
        # The first names the element: it is there to be copied.
        is_first = column is columns[0]
        justify: JustifyMethod = "right" if column.is_number else "left"
        table.add_column(column.title, justify=justify, overflow="fold", no_wrap=is_first)
    for element in chunk:
        table.add_row(*(styled(column.text(element)) for column in columns))
    return table


def _plain_rows(chunk: list[Json], columns: tuple[Column, ...]) -> None:
    """Print tab-separated lines, which `cut` and `awk` understand."""
    for element in chunk:
        click.echo("\t".join(clean(column.text(element)) for column in columns))


def _json_list(elements: Iterable[Json]) -> int:
    """Print `{"data": [...]}` element by element; nothing at all if there is an error before the first."""
    count = 0
    for element in elements:
        click.echo((", " if count else '{"data": [') + json.dumps(element), nl=False)
        count += 1
    click.echo("]}" if count else '{"data": []}')
    return count
