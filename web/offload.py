"""Calls that would hold up every other request of a gevent process: slow hashes, large files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import gevent
from gevent.monkey import is_module_patched

P = ParamSpec("P")
R = TypeVar("R")


def in_thread(function: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
    """Call a function that blocks in native code; other requests go on meanwhile.

    Under gevent it runs in a real thread, so it may use neither the database session nor the request.
    """
    if not is_module_patched("threading"):
        return function(*arguments, **named)
    result, error = cast(
        "tuple[R, None] | tuple[None, BaseException]",
        gevent.get_hub().threadpool.apply(_catch, (function, arguments, named)),
    )
    if error is not None:
        raise error
    return cast("R", result)


def _catch(function: Callable[..., R], arguments: Any, named: Any) -> tuple[R | None, BaseException | None]:
    """Hand an error back as a value: gevent's pool would print every one, a caller's mistake as well."""
    try:
        return function(*arguments, **named), None
    except BaseException as error:  # noqa: BLE001 - raised again where the call was made
        return None, error
