"""One asset through a graph: known results are taken again, and bytes are opened once, if anybody must look at them.

The engine says what is to run (`models.pipelines.engine`); here it runs, in this process or in the child.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from models.errors import LoomError
from models.pipelines.engine import Execution, ItemState, item_state, run_item
from models.pipelines.graph import Graph
from models.pipelines.outcomes import NodeState, Origin, Outcome, completed, failed, skipped
from models.storage import BlobReader
from workers.media.sandbox import Request, Sandbox, Sandboxes
from workers.media.wire import Died, Gone
from workers.nodes.base import Acting, Facts
from workers.running.ready import ReadyNode, ReadyNodes

Known = Mapping[tuple[str, bytes], Mapping[str, Any]]
"""Outputs of earlier results by kind and key."""
_COPY_BYTES = 1024**2
_LONGEST_BACKOFF_SECONDS = 5.0
_NOTHING_YET = skipped("")


@dataclass(slots=True)
class NodeRecord:
    """What a node did for an element of an item. Those that were run have a key, by which they are known again."""

    node_id: str
    kind: str
    version: str
    element: int
    outcome: Outcome
    attempts: int = 0
    duration_ms: int = 0
    key: bytes | None = None


@dataclass
class RanItem:
    """What became of an item."""

    index: int
    facts: Facts
    state: ItemState
    message: str | None
    duration_ms: int
    records: Sequence[NodeRecord]

    def fail(self, number: int, problem: str) -> None:
        """Let a node have failed after all: what it wanted done could not be done."""
        record = self.records[number]
        record.outcome, record.key = failed(problem), None
        if self.state is not ItemState.FAILED:
            self.state, self.message = ItemState.FAILED, f"{record.node_id}: {problem}"


@dataclass
class ItemRun:
    """Runs the nodes of a graph for one asset."""

    graph: Graph
    acting: Acting
    known: Known
    sandboxes: Sandboxes
    ready: ReadyNodes = field(default_factory=ReadyNodes)
    anew: frozenset[str] = frozenset()
    """Nodes that look again, whatever is known."""
    records: list[NodeRecord] = field(default_factory=list)
    _stack: ExitStack = field(default_factory=ExitStack)
    _sandbox: Sandbox | None = None
    """The child that has the bytes open now."""
    _borrowed: Sandbox | None = None

    @property
    def facts(self) -> Facts:
        """What is known of the asset."""
        return self.acting.facts

    def run(self, index: int) -> RanItem:
        """Take the asset through."""
        begun = time.perf_counter()
        with self._stack:
            results = run_item(self.graph, self._source(), self.execute)
        self._add_those_that_did_not_run(results)
        state = item_state(self.graph, results)
        return RanItem(index, self.facts, state, self._message(state), _ms_since(begun), self.records)

    def _source(self) -> Outcome:
        kind = self.ready.of(self.graph.nodes[self.graph.source]).kind
        return kind.look(self.facts, {}, kind.options()) or failed("The source gave nothing")

    def execute(self, execution: Execution) -> Outcome:
        """Run a node, or take what it has found out before."""
        node, ready = execution.node, self.ready.of(execution.node)
        key = ready.key_of(execution)
        record = self._record(node.id, execution.element)
        known = self.known.get((record.kind, key)) if key and node.id not in self.anew else None
        if known is not None:
            record.outcome = completed(known, Origin.CACHED)
        else:
            self._compute(execution, ready, record)
            if record.outcome.state is NodeState.COMPLETED:
                record.key = key
        self.records.append(record)
        return record.outcome

    def _compute(self, execution: Execution, ready: ReadyNode, record: NodeRecord) -> None:
        """Run a node as often as it may be tried."""
        begun = time.perf_counter()
        while record.attempts < ready.most_attempts:
            if record.attempts:
                time.sleep(min(2 ** (record.attempts - 1), _LONGEST_BACKOFF_SECONDS))
            record.attempts += 1
            record.outcome = self._once(execution, ready)
            if record.outcome.state is not NodeState.FAILED:
                break
        record.duration_ms = _ms_since(begun)

    def _once(self, execution: Execution, ready: ReadyNode) -> Outcome:
        node = ready.kind
        if not node.applies(self.facts.mime_type):
            return skipped(f"Does not apply to {self.facts.mime_type}")
        try:
            outcome = node.look(self.facts, execution.inputs, ready.options)
            if outcome is not None:
                return outcome
            if node.acts:
                return node.act(self.acting, execution.inputs, ready.options)
            return self._in_child(execution)
        except (Gone, LoomError, ValidationError) as error:
            self._sandbox = None
            return failed(str(error)[:300])
        except SQLAlchemyError:
            raise  # an engine is away: the whole part is tried again
        except Exception as error:  # noqa: BLE001 - what a node raises is its own failure, and no other's
            return failed(f"{type(error).__name__}: {error}"[:300])

    def _in_child(self, execution: Execution) -> Outcome:
        if self._sandbox is None:
            self._sandbox = self._open()
        options = execution.node.options
        request = Request(
            execution.node.descriptor.kind, options, execution.inputs, float(options["timeLimit"]),
            int(options["memoryLimit"]),
        )  # fmt: skip
        try:
            return self._sandbox.run(request)[0]
        except Died:
            # Whatever has killed it may have meant another one: only a file that does so twice is to blame.
            self._sandbox = self._open()
            return self._sandbox.run(request)[0]

    def _open(self) -> Sandbox:
        """Borrow a child for the rest of the item, and show it the bytes."""
        if self._borrowed is None:
            self._borrowed = self._stack.enter_context(self.sandboxes.borrow())
        sandbox = self._borrowed
        with ExitStack() as opened:
            reader = self.acting.open_bytes()
            opened.callback(reader.close)
            descriptor = _descriptor_of(reader)
            if descriptor is None:
                copy = opened.enter_context(tempfile.TemporaryFile(prefix="loom-media-"))
                while data := reader.read(_COPY_BYTES):
                    copy.write(data)
                copy.flush()
                descriptor = copy.fileno()
            sandbox.open(descriptor, self.facts.mime_type, self.facts.filename)
        return sandbox

    def _add_those_that_did_not_run(self, results: Mapping[str, Sequence[Outcome]]) -> None:
        """Put what the engine has decided by itself, or found wrong, into the records, in the graph's order."""
        ran = {(record.node_id, record.element): record for record in self.records}
        self.records = []
        for node_id, outcomes in results.items():
            for element, outcome in enumerate(outcomes):
                record = ran.get((node_id, element)) or self._record(node_id, element)
                record.outcome = outcome
                if outcome.state is not NodeState.COMPLETED:
                    record.key = None
                self.records.append(record)

    def _record(self, node_id: str, element: int) -> NodeRecord:
        descriptor = self.graph.nodes[node_id].descriptor
        return NodeRecord(node_id, descriptor.kind, descriptor.version, element, _NOTHING_YET)

    def _message(self, state: ItemState) -> str | None:
        if state is not ItemState.FAILED:
            return None
        first = next(each for each in self.records if each.outcome.state is NodeState.FAILED)
        return f"{first.node_id}: {first.outcome.message}"


def _descriptor_of(reader: BlobReader) -> int | None:
    try:
        return int(reader.fileno())  # type: ignore[attr-defined]
    except (AttributeError, OSError):
        return None


def _ms_since(begun: float) -> int:
    return round((time.perf_counter() - begun) * 1000)
