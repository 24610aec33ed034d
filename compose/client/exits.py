"""Exit codes of the commands, the errors that only a client can meet, and which error ends in which code."""

from __future__ import annotations

from enum import IntEnum

from models.errors import ConfigurationError, Forbidden, InvalidInput, LoomError, NotFound, Unauthorized


class ExitCode(IntEnum):
    """What a script may test. The numbers are a promise: never change one."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    PARTIAL = 3
    FORBIDDEN = 4
    NOT_FOUND = 5
    UNREACHABLE = 6
    INTERRUPTED = 130


# The \b keeps click from filling the lines into one paragraph.
EXIT_CODE_HELP = """\b
Exit codes:
  0    done
  1    the operation failed (or its task ended FAILED or CANCELLED)
  2    wrong usage or configuration, or the server refused the input
  3    partly failed (the task ended PARTIAL)
  4    not signed in, or not permitted
  5    not found
  6    the server cannot be reached
  130  interrupted; a task that was being watched goes on
"""


class Unreachable(LoomError):
    """The server cannot be reached."""

    code = "unreachable"


UNREACHABLE_REMEDY = "start Loom with `loom up`, or name another server with --server or LOOM_SERVER"


class Interrupted(LoomError):
    """Interrupted."""

    code = "interrupted"


_EXITS: tuple[tuple[type[LoomError], ExitCode], ...] = (
    (Unreachable, ExitCode.UNREACHABLE),
    (Interrupted, ExitCode.INTERRUPTED),
    (ConfigurationError, ExitCode.USAGE),
    (InvalidInput, ExitCode.USAGE),
    (Unauthorized, ExitCode.FORBIDDEN),
    (Forbidden, ExitCode.FORBIDDEN),
    (NotFound, ExitCode.NOT_FOUND),
)


def exit_code_of(error: LoomError) -> ExitCode:
    """Give the code that a command ends with because of `error`."""
    return next((code for kind, code in _EXITS if isinstance(error, kind)), ExitCode.FAILED)


_TASK_EXITS = {"SUCCEEDED": ExitCode.DONE, "PARTIAL": ExitCode.PARTIAL}


def exit_code_of_state(state: str) -> ExitCode:
    """Give the code for the final state of a task."""
    return _TASK_EXITS.get(state, ExitCode.FAILED)
