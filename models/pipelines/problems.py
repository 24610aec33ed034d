"""What is wrong with a definition, and where."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Problem:
    """One thing, anchored to a node or an edge, perhaps to an option of the node."""

    code: str
    message: str
    node_id: str | None = None
    edge_id: str | None = None
    option: str | None = None


@dataclass
class Problems:
    """All of them: errors forbid to keep a definition, warnings forbid at most to run it."""

    errors: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def node(self, code: str, node_id: str | None, message: str, option: str | None = None) -> None:
        """Note an error of a node."""
        self.errors.append(Problem(code, message, node_id=node_id, option=option))

    def edge(self, code: str, edge_id: str, message: str) -> None:
        """Note an error of an edge."""
        self.errors.append(Problem(code, message, edge_id=edge_id))

    def whole(self, code: str, message: str) -> None:
        """Note an error of the definition."""
        self.errors.append(Problem(code, message))

    def warn(self, code: str, message: str, node_id: str | None = None) -> None:
        """Note a warning."""
        self.warnings.append(Problem(code, message, node_id=node_id))
