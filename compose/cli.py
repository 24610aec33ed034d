"""The command line `loom`: here what runs Loom; `compose/client` has what talks to a running one.

The stack of a process is imported by its own command: a worker must not carry the web tier, nor the client a worker.
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from models.errors import LoomError
from models.messages import Queue
from models.niceness import give_way
from models.queues import is_queue
from models.settings import Settings, child_environment

_USAGE = 2
_INDEXER_SESSION_NICENESS = 14
"""A tenth of the share of a session that gives no way: the index falls behind a scan, but never stands still."""


class _Root(click.Group):
    """Imports the client only for a command of the client: what `loom up` starts would pay for it each time."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Look here first."""
        return super().get_command(ctx, cmd_name) or _client_commands().get(cmd_name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, for the help."""
        return sorted({*super().list_commands(ctx), *_client_commands()})

    def invoke(self, ctx: click.Context) -> Any:
        """Tell errors that a person can mend in one line."""
        try:
            return super().invoke(ctx)
        except LoomError as error:
            click.echo(f"loom: {error}", err=True)
            ctx.exit(_USAGE)


def _client_commands() -> dict[str, click.Command]:
    from compose.client import COMMANDS

    return {command.name: command for command in COMMANDS if command.name}


def _split_queues(_ctx: click.Context, _parameter: click.Parameter, value: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in value.split(","))
    if unknown := sorted(name for name in set(names) if not is_queue(name)):
        known = f"{', '.join(Queue)}, and media.<capability>"
        raise click.BadParameter(f"no such queue: {', '.join(unknown)}; there are {known}")
    return names


@click.group(cls=_Root, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="loom-ingest", prog_name="loom")
def main() -> None:
    """Loom ingests digital media: point it at a folder, get a searchable catalogue."""


@main.command()
@click.pass_context
def up(ctx: click.Context) -> None:
    """Run all of Loom on this machine, with PostgreSQL and Redis unless a URL is set for them."""
    from compose.up import run

    ctx.exit(run(Settings.from_env()))


@main.command()
def web() -> NoReturn:
    """Run the web tier alone."""
    settings = Settings.from_env()
    _ = settings.signing_key  # a missing key is told here in one line, not by each process of gunicorn
    metrics = settings.loom_home.make_metrics(settings.server_rest_port)
    environment = child_environment(PROMETHEUS_MULTIPROC_DIR=str(metrics))
    _stand_aside()
    gunicorn = [sys.executable, "-P", "-u", "-m", "gunicorn", "web.wsgi:app", "--config", "python:web.gunicorn_config"]
    os.execve(sys.executable, gunicorn, environment)  # noqa: S606 - our own interpreter, no shell


@main.group()
def admin() -> None:
    """Look after an installation, on a machine that has its settings."""


@admin.command("reset-password")
@click.argument("username", default="admin")
@click.option("--space", default="default", show_default=True, help="Name of the space that the account belongs to.")
def reset_password(username: str, space: str) -> None:
    """Give a user another password, and show it once. Their logins end; a locked account is open again."""
    from models.services.accounts import reset_password as reset
    from models.wiring import build

    platform = build(Settings.from_env(), connections=1)
    try:
        with platform.unit_of_work() as uow:
            password = reset(uow, username, space)
            uow.commit()
    finally:
        platform.close()
    click.echo(f"{username}'s password is now {password}")


@main.command()
@click.option("--ready", "what", flag_value="ready", help="The web tier takes requests.")
@click.option("--worker", "what", flag_value="worker", help="A worker of this host is heard of.")
@click.option("--relay", "what", flag_value="relay", help="A scheduler keeps up with what happens.")
@click.pass_context
def probe(ctx: click.Context, what: str | None) -> None:
    """See whether a process is well: for health checks of containers."""
    from compose.probe import PROBES

    if what is None:
        raise click.UsageError("say --ready, --worker or --relay")
    if problem := PROBES[what](Settings.from_env()):
        click.echo(problem, err=True)
        ctx.exit(1)


_NICE = click.option(
    "--nice", type=click.IntRange(0, 19), default=0, show_default=True, help="Give way to other programs."
)


@main.command()
@click.option("--queues", required=True, callback=_split_queues, help="Queues to work on, separated by commas.")
@click.option("--processes", type=click.IntRange(1, 256), default=1, show_default=True)
@click.option("--threads", type=click.IntRange(1, 256), default=4, show_default=True, help="Threads of each process.")
@_NICE
def worker(queues: tuple[str, ...], processes: int, threads: int, nice: int) -> None:
    """Run workers for some queues."""
    from workers.main import main as work

    _stand_aside()
    work(queues, processes, threads, nice)


@main.command()
@_NICE
def indexer(nice: int) -> None:
    """Run the one writer of the text index."""
    gc.disable()
    from workers.indexer import main as index

    # Only now: who gives way while it loads may load for minutes where cores are short.
    give_way(nice, session_niceness=min(nice, _INDEXER_SESSION_NICENESS))
    index()


@main.command()
def scheduler() -> None:
    """Run the scheduler, the relay and the reaper; of several, one is active."""
    gc.disable()
    from scheduler.main import main as schedule

    schedule()


@main.command()
def migrate() -> None:
    """Bring the database up to date, and make the first user if there is none."""
    from models.migrating import migrate as bring_up_to_date
    from workers.nodes import DESCRIPTORS

    password = bring_up_to_date(Settings.from_env(), DESCRIPTORS.values())
    click.echo("The database is up to date.")
    if password is not None:
        click.echo(f"First user: admin, password: {password} (shown once)")


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
def backup(folder: Path) -> None:
    """Write a backup of the database and of all stored files into a new FOLDER; Loom may go on meanwhile."""
    from compose.backups import make_backup

    _tell_backup("holds", make_backup(Settings.from_env(), folder.absolute(), click.echo))


@main.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def restore(folder: Path) -> None:
    """Put the backup in FOLDER back, into an empty database, while Loom does not run."""
    from compose.backups import restore_backup

    _tell_backup("is back:", restore_backup(Settings.from_env(), folder.absolute(), click.echo))


def _tell_backup(what: str, manifest: Any) -> None:
    size = f"{manifest.content_bytes / 1024**2:,.1f} MiB"
    click.echo(
        f"The backup {what} the database and {manifest.contents:,} stored files of {size}, as of {manifest.created}"
    )


def _stand_aside() -> None:
    """Leave the user's folder: gunicorn and Dramatiq look there first, and take any folder called `web` for ours."""
    os.chdir(Path(__file__).parents[1])


if __name__ == "__main__":
    main()
