"""Nodes of a graph, ready to run: what is the same for every item is found out once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import orjson

from models.pipelines.descriptors import NodeDescriptor
from models.pipelines.engine import Execution
from models.pipelines.graph import GraphNode
from workers.nodes import NODES
from workers.nodes.base import Artifact, Node, Options


class ReadyNode:
    """A node with its kind. It is used by many items, by one thread or by several."""

    def __init__(self, node: GraphNode) -> None:
        self._node = node
        self.kind: Node[Any] = NODES[node.descriptor.kind]()
        self.most_attempts = int(node.options.get("maxAttempts") or 1)
        self._only_key = None
        if node.inputs.keys() <= node.descriptor.media_inputs:
            self._only_key = result_key(node.descriptor, node.options, {})

    @cached_property
    def options(self) -> Options:
        """The options as the kind has them.

        Raises:
            ValidationError: when they are none.
        """
        found: Options = self.kind.options.model_validate(self._node.options)
        return found

    def key_of(self, execution: Execution) -> bytes | None:
        """Give what an execution's result is known by; None if it holds for this time only."""
        # What is told by the catalogue may be otherwise tomorrow; what is in the bytes stays so.
        if not self.kind.is_lasting:
            return None
        return self._only_key or result_key(self._node.descriptor, self._node.options, execution.inputs)


class ReadyNodes(dict[str, ReadyNode]):
    """The nodes of one graph by id, each made ready when it is first needed."""

    def of(self, node: GraphNode) -> ReadyNode:
        """Give a node."""
        return self.get(node.id) or self.setdefault(node.id, ReadyNode(node))


def result_key(descriptor: NodeDescriptor, options: Mapping[str, Any], inputs: Mapping[str, Any]) -> bytes:
    """Give what stands for a kind's version, the options that matter, and all inputs but the asset itself."""
    own = {parameter.key: options.get(parameter.key) for parameter in descriptor.own_parameters}
    others = {name: _plain(value) for name, value in inputs.items() if name not in descriptor.media_inputs}
    spelt = orjson.dumps([descriptor.version, own, others], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(spelt).digest()


def _plain(value: Any) -> Any:
    """Spell a value so that a file is the same whether it was made just now or is taken from an earlier run."""
    if isinstance(value, Artifact):
        return hashlib.sha512(value.data).hexdigest()
    if isinstance(value, Mapping) and "artifact" in value:
        return value["artifact"]
    return [_plain(each) for each in value] if isinstance(value, list) else value
