"""`loom login`, and signing in as the demo does it too."""

from __future__ import annotations

import platform
import sys
from uuid import uuid4

import click

from compose.client.api import Api
from compose.client.credentials import load_credentials, store_token
from compose.client.output import Output
from compose.client.session import LoomCommand, json_option, server_option
from models.errors import Conflict, InvalidInput, Unauthorized


def new_token(server: str, username: str, password: str) -> str:
    """Exchange a password for a token that lasts about an hour.

    Raises:
        Unauthorized: if they do not fit.
    """
    with Api(server) as api:
        try:
            return str(api.post("/auth/login", {"username": username, "password": password})["token"])
        except Unauthorized as error:
            raise Unauthorized(f"{server} refuses this username and password") from error


def new_api_key(server: str, token: str, name: str) -> str:
    """Make an API key, which lasts until it is deleted. A name that is taken gets a suffix."""
    with Api(server, token) as api:
        try:
            return str(api.post("/tokens", {"name": name})["token"])
        except Conflict:
            return str(api.post("/tokens", {"name": f"{name}-{uuid4().hex[:8]}"})["token"])


def _read_password(*, from_stdin: bool) -> str:
    if not from_stdin:
        return str(click.prompt("Password", hide_input=True, err=True))
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise InvalidInput("There is no password on standard input")
    return password


@click.command(cls=LoomCommand)
@server_option
@click.option("-u", "--username", default="admin", show_default=True, help="Who to sign in as.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--keep", is_flag=True, help="Make an API key, so that the login does not end by itself.")
@json_option
def login(
    server: str | None,
    username: str,
    password_stdin: bool,  # noqa: FBT001  # click passes options by name
    keep: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
) -> None:
    """Sign in to a server and remember its token.

    The token is kept in a file that only you can read.
    """
    with Api(server or load_credentials().server) as api:
        address = api.server
        api.get("/health")  # so that a server that is down is told before a password is asked for
    token = new_token(address, username, _read_password(from_stdin=password_stdin))
    if keep:
        token = new_api_key(address, token, f"cli-{platform.node() or 'host'}")
    store_token(address, token)
    Output(as_json=as_json).answer({"server": address, "username": username}, f"Signed in to {address} as {username}.")
