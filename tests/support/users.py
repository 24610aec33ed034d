"""Acting as an ordinary user: permissions mean nothing to root, who runs the tests on many machines."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def as_ordinary_user() -> Iterator[None]:
    """Give up root's rights to files meanwhile; no change for somebody who is not root."""
    if os.geteuid() != 0:
        yield
        return
    nobody = pwd.getpwnam("nobody")
    os.seteuid(nobody.pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)
