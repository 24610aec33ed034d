"""`loom demo`: Loom at work on a folder, from nothing to a search with hits."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from compose.client.api import Api
from compose.client.credentials import load_credentials, store_token
from compose.client.demo_tour import Tour
from compose.client.exits import Unreachable
from compose.client.login import new_api_key, new_token
from compose.client.output import Output
from compose.client.own_loom import OwnLoom, admin_password, own_loom, wait_until_ready
from compose.client.session import LoomCommand, Session, json_option, server_option, token_option
from models.errors import InvalidInput, LoomError, Unauthorized
from models.settings import Settings

_ANY_HOST = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104  # an address to replace, not to listen on


@click.command(cls=LoomCommand)
@click.argument("path", required=False, type=click.Path(path_type=Path))
@server_option
@token_option
@json_option
def demo(path: Path | None, server: str | None, token: str | None, as_json: bool) -> None:  # noqa: FBT001
    """Show Loom at work on the folder PATH, or on files that it makes for the purpose.

    Starts Loom if no server runs. In a terminal Loom then stays up until Ctrl-C.
    """
    if path is not None and not path.is_dir():
        raise InvalidInput(f"{path} is not a folder")
    settings = Settings.from_env()
    output = Output(as_json=as_json)
    with _terminate_as_interrupt(), _loom_at(server, settings, output) as (address, loom):
        tour = Tour(settings, path, output)
        tour.prepare()
        if loom:
            with Api(address) as api:
                wait_until_ready(api, loom)
        signed_in = token or _sign_in(address, settings, output)
        with Api(address, signed_in) as api:
            code = tour.run(Session(api, output))
        if loom and output.is_live:
            _stay_up(loom, output)
    click.get_current_context().exit(code)


@contextmanager
def _loom_at(server: str | None, settings: Settings, output: Output) -> Iterator[tuple[str, OwnLoom | None]]:
    """Give the address of the server to use; one is started if none was named and none runs."""
    address = server or _local_address(settings)
    with Api(address) as api:
        address = api.server
        is_running = _is_running(api)
    if is_running:
        output.line(f"Using the Loom at {address}.")
        yield address, None
    elif server:
        raise Unreachable(f"{address} cannot be reached")
    else:
        output.line(f"Starting Loom at {address}; its data lies in {settings.home}.")
        with own_loom(settings) as loom:
            yield address, loom
        output.line("Loom has stopped; nothing of it runs any more.")


def _local_address(settings: Settings) -> str:
    host = settings.server_rest_host
    return f"http://{_ANY_HOST.get(host, host)}:{settings.server_rest_port}"


def _is_running(api: Api) -> bool:
    try:
        api.request("GET", "/health", also=503)
    except Unreachable:
        return False
    return True


def _sign_in(server: str, settings: Settings, output: Output) -> str:
    """Give a token that works: the stored one, else one made with the password that only the demo knows."""
    stored = load_credentials().tokens.get(server)
    if stored and _is_accepted(server, stored):
        return stored
    password = admin_password(settings)
    try:
        token = new_token(server, "admin", password or "")
    except LoomError as error:
        raise Unauthorized(
            f"{server} was set up earlier and no login for it works: while it runs (`loom up`), "
            f"say `loom login --server {server} --keep`, then the demo again; or set LOOM_HOME to a new folder"
        ) from error
    key = new_api_key(server, token, "demo-cli")
    store_token(server, key)
    if not settings.initial_password:
        output.line(f"Signed in. To sign in yourself: user admin, password {password}")
    return key


def _is_accepted(server: str, token: str) -> bool:
    try:
        with Api(server, token) as api:
            api.get("/me")
    except Unauthorized:
        return False
    return True


@contextmanager
def _terminate_as_interrupt() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind as Ctrl-C does, so that Loom is stopped."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = {name: signal.signal(name, interrupt) for name in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def _stay_up(loom: OwnLoom, output: Output) -> None:
    """Leave Loom running until Ctrl-C."""
    output.line("Loom stays up. Ctrl-C stops it; its log is", loom.log)
    try:
        loom.process.wait()
    except KeyboardInterrupt:
        output.line("Stopping ...")
        return
    raise loom.failure()
