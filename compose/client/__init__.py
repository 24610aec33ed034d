"""The commands for users of a running Loom, which they reach through its public REST API only.

`session.py` gives a command its server, output and errors; `api.py` is the API; one module for each group of commands.
"""

from __future__ import annotations

import click

from compose.client.assets import assets
from compose.client.demo import demo
from compose.client.doctor import doctor
from compose.client.login import login
from compose.client.pools import pools
from compose.client.search import search
from compose.client.tasks import tasks
from compose.client.upload import upload

__all__ = ["COMMANDS"]

COMMANDS: tuple[click.Command, ...] = (login, pools, upload, assets, search, tasks, doctor, demo)
