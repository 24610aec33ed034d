"""The child: it is told of a file, and runs nodes on it, within limits of memory, until its parent is gone.

Started as `python -m workers.media.child <descriptor of the socket>`. It has neither a database nor a network to reach.
"""

from __future__ import annotations

import ctypes
import gc
import resource
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

from models.pipelines.outcomes import NodeState, Outcome, failed, skipped
from workers.media.opened import OpenedMedia, open_descriptor
from workers.media.troubles import Undecodable
from workers.media.wire import Gone, receive, send
from workers.nodes import NODES
from workers.nodes.base import Artifact

_PAGE = resource.getpagesize()
_PR_SET_PDEATHSIG = 1
"""Source: linux/prctl.h."""


def main() -> None:
    """Serve one parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    _die_with_parent()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    link = socket.socket(fileno=int(sys.argv[1]))
    media: OpenedMedia | None = None
    base = _address_space()
    send(link, {"ready": True})
    while True:
        try:
            message, _, descriptors = receive(link, 1)
        except Gone:
            return
        if "open" in message:
            if media is not None:
                media.close()
            media = open_descriptor(descriptors[0], message["open"]["mimeType"], message["open"]["filename"])
            continue
        assert media is not None
        _answer(link, media, message, base)


def _answer(link: socket.socket, media: OpenedMedia, message: dict[str, Any], base: int) -> None:
    begun = time.perf_counter()
    outcome = _run(media, message, base)
    blobs: list[bytes] = []
    outputs = {}
    for port, value in outcome.outputs.items():
        made = value if isinstance(value, list) else [value]
        if made and isinstance(made[0], Artifact):
            places = range(len(blobs), len(blobs) + len(made))
            outputs[port] = {"blobs": list(places)} if isinstance(value, list) else {"blob": places[0]}
            blobs += [artifact.data for artifact in made]
        else:
            outputs[port] = {"value": value}
    spent = round((time.perf_counter() - begun) * 1000)
    send(link, {"state": outcome.state, "message": outcome.message, "outputs": outputs, "ms": spent}, blobs)


def _run(media: OpenedMedia, message: dict[str, Any], base: int) -> Outcome:
    """Run a node; whatever goes wrong is its failure."""
    node = NODES[message["kind"]]()
    if not node.applies(media.mime_type):
        return skipped(f"Does not apply to {media.mime_type}")
    _limit(base + message["memory"] * 1024**2)
    try:
        outcome = node.run(media, message["inputs"], node.options.model_validate(message["options"]))
    except Undecodable as problem:
        return failed(str(problem))
    except MemoryError:
        return failed(f"It needs more than {message['memory']} MiB")
    except Exception as error:  # noqa: BLE001 - no file may end more than a node
        return failed(f"{type(error).__name__}: {error}"[:300])
    finally:
        _limit(resource.RLIM_INFINITY)
        gc.collect(0)
    return outcome if outcome.state in NodeState else failed("The node did not say what became of it")


def _die_with_parent() -> None:
    """A decoder that is in the middle of something must not outlive the worker that waits for it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _limit(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (size, resource.RLIM_INFINITY))


def _address_space() -> int:
    """How much the process has without any work, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * _PAGE


if __name__ == "__main__":
    main()
