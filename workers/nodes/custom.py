"""Kinds of node that other packages bring: classes behind the entry points of the group `loom.nodes`."""

from __future__ import annotations

import logging
import re
from collections.abc import Set as AbstractSet
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from models.queues import CAPABILITY, EVERYWHERE
from workers.nodes.base import Node, describe

GROUP = "loom.nodes"
_KIND = re.compile(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?")

logger = logging.getLogger(__name__)


def load_custom(taken: AbstractSet[str]) -> dict[str, type[Node[Any]]]:
    """Load them. One that cannot be loaded, or takes a name that is taken, costs only itself, and is told."""
    found: dict[str, type[Node[Any]]] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            node = _load(entry, taken | found.keys())
            found[node.kind] = node
        except Exception as error:  # noqa: BLE001 - it is somebody else's code
            logger.warning("the kind of node %s cannot be used: %s: %s", entry.name, type(error).__name__, error)
    return found


def _load(entry: EntryPoint, taken: AbstractSet[str]) -> type[Node[Any]]:
    node = entry.load()
    if not (isinstance(node, type) and issubclass(node, Node)):
        raise TypeError("it is no subclass of workers.nodes.base.Node")
    if not _KIND.fullmatch(node.kind):
        raise ValueError(f"'{node.kind}' is no name of a kind: a-z, 0-9 and inner hyphens")
    if node.kind in taken:
        raise ValueError(f"the kind '{node.kind}' is there already")
    if not CAPABILITY.fullmatch(node.capability):
        raise ValueError(f"'{node.capability}' is no capability: a-z, 0-9 and hyphens")
    if node.capability in EVERYWHERE:
        node.capability = node.kind  # so that no worker takes it which does not have the package
    describe(node)
    return node
