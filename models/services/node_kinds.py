"""Kinds of node that Loom knows: those that every worker has, and those that some have announced."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from models.pipelines.descriptors import NodeDescriptor
from models.pipelines.spelling import from_json, to_json
from models.unit_of_work import UnitOfWork, as_rows


def know_kinds(uow: UnitOfWork, descriptors: Iterable[NodeDescriptor], *, are_builtin: bool) -> None:
    """Remember what kinds say of themselves now. No announced kind takes the place of one that is built in."""
    rows = [{"kind": each.kind, "version": each.version, "descriptor": to_json(each)} for each in descriptors]
    uow.execute(
        """INSERT INTO node_kind (kind, version, descriptor, is_builtin)
           SELECT kind, version, descriptor, :builtin
           FROM json_to_recordset(CAST(:rows AS json)) AS new (kind text, version text, descriptor jsonb)
           ON CONFLICT (kind) DO UPDATE SET version = excluded.version, descriptor = excluded.descriptor,
               is_builtin = excluded.is_builtin, announced = now()
           WHERE excluded.is_builtin OR NOT node_kind.is_builtin""",
        rows=as_rows(rows),
        builtin=are_builtin,
    )


def custom_kinds(uow: UnitOfWork) -> set[str]:
    """Give the names of those that are not built in."""
    return {row[0] for row in uow.fetch("SELECT kind FROM node_kind WHERE NOT is_builtin")}


def known_kinds(uow: UnitOfWork) -> dict[str, NodeDescriptor]:
    """Give all kinds that are known."""
    rows: Any = uow.fetch("SELECT kind, descriptor FROM node_kind ORDER BY kind")
    return {kind: from_json(descriptor) for kind, descriptor in rows}
