"""The kind `filesystem-source`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from models.paths import encode_path
from models.pipelines.descriptors import Category, Port
from models.pipelines.outcomes import Outcome, completed
from workers.nodes.base import Facts, Node, Options


class FilesystemOptions(Options):
    """Options of the kind: what is run on when a request does not say."""

    pool_uuid: str = Field("", title="Pool", description="Whose files are given; scans find them")
    path: str = Field("", title="Folder", description="Below this folder of the pool, or this file of it")
    path_globs: list[str] = Field([], title="Patterns", description="Whose path matches one; * stands for anything")


class FilesystemSourceNode(Node[FilesystemOptions]):
    """Gives the files of a pool, or of a folder of it, as scans have found them."""

    kind = "filesystem-source"
    name = "Files"
    category = Category.SOURCE
    inputs = ()
    outputs = (
        Port("media", "media/*", "Media"),
        Port("path", "scalar/string", "Where it lies", is_selective=True),
    )
    is_lasting = False
    options = FilesystemOptions

    def look(self, facts: Facts, inputs: Mapping[str, Any], options: FilesystemOptions) -> Outcome:
        """Give the file."""
        media = {"uuid": str(facts.asset_id), "sha512": facts.sha512, "mimeType": facts.mime_type}
        found = {"path": encode_path(facts.places[0].path)} if facts.places else {}
        return completed({"media": media, **found})
