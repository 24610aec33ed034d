"""What every command shares: the options for server, token and JSON, and errors as one line with an exit code."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec

import click

from compose.client.api import Api, server_url
from compose.client.credentials import load_credentials
from compose.client.exits import EXIT_CODE_HELP, UNREACHABLE_REMEDY, ExitCode, Unreachable, exit_code_of
from compose.client.output import Output
from compose.client.text import clean
from models.errors import LoomError

P = ParamSpec("P")


def _fail(message: str, code: ExitCode) -> click.exceptions.Exit:
    click.echo(f"loom: {clean(message)}", err=True)
    return click.exceptions.Exit(code)


@contextmanager
def _one_line_errors() -> Iterator[None]:
    """End with one line and an exit code, never with a stack trace."""
    try:
        yield
    except Unreachable as error:
        raise _fail(f"{error.message}; {UNREACHABLE_REMEDY}", exit_code_of(error)) from error
    except LoomError as error:
        raise _fail(error.message, exit_code_of(error)) from error
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "loom"
        raise _fail(f"{error.format_message()} (see `{path} --help`)", ExitCode.USAGE) from error
    except (KeyboardInterrupt, click.Abort) as error:
        raise _fail("interrupted", ExitCode.INTERRUPTED) from error


class LoomCommand(click.Command):
    """A command whose errors are one line and whose help tells the exit codes."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        options.setdefault("epilog", EXIT_CODE_HELP)
        super().__init__(*arguments, **options)

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        """Parse the arguments."""
        with _one_line_errors():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: click.Context) -> Any:
        """Run it."""
        with _one_line_errors():
            return super().invoke(ctx)


class LoomGroup(click.Group):
    """A group of such commands."""

    command_class = LoomCommand

    def __init__(self, *arguments: Any, **options: Any) -> None:
        options.setdefault("epilog", EXIT_CODE_HELP)
        super().__init__(*arguments, **options)

    def invoke(self, ctx: click.Context) -> Any:
        """Run it."""
        with _one_line_errors():
            return super().invoke(ctx)


@dataclass(frozen=True)
class Session:
    """What a command works with."""

    api: Api
    output: Output


def _server_and_token(server: str | None, token: str | None) -> tuple[str, str | None]:
    """Complete what was not given; a stored token goes only to the server that it was made by."""
    credentials = load_credentials()
    address = server_url(server or credentials.server)
    return address, token or credentials.tokens.get(address)


def open_api(server: str | None, token: str | None) -> Api:
    """Give the API of the server that was named or, if none was, of the stored one."""
    return Api(*_server_and_token(server, token))


server_option = click.option(
    "--server", envvar="LOOM_SERVER", metavar="URL", help="Server to talk to (LOOM_SERVER; else that of `loom login`)."
)
token_option = click.option(
    "--token", envvar="LOOM_TOKEN", metavar="TOKEN", help="Token or API key (LOOM_TOKEN; else that of `loom login`)."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


def with_session(function: Callable[Concatenate[Session, P], ExitCode | None]) -> Callable[..., None]:
    """Give a command its `Session` and the options that make it; what it returns is the exit code."""

    @server_option
    @token_option
    @json_option
    @functools.wraps(function)
    def command(
        server: str | None,
        token: str | None,
        as_json: bool,  # noqa: FBT001  # click passes options by name
        *arguments: P.args,
        **options: P.kwargs,
    ) -> None:
        with open_api(server, token) as api:
            code = function(Session(api, Output(as_json=as_json)), *arguments, **options)
        click.get_current_context().exit(code or ExitCode.DONE)

    return command
