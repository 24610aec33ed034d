"""Every resource, in the order of the OpenAPI document. A new one is added here."""

from __future__ import annotations

from typing import Any

from web.blueprints import LoomBlueprint
from web.crud import CrudSpec
from web.resources import (
    asset_binaries,
    asset_components,
    asset_locations,
    asset_pools,
    assets,
    attachments,
    auth,
    avatars,
    binary_records,
    embeddings,
    me,
    search,
    service,
    tasks,
    tokens,
)

BLUEPRINTS: tuple[LoomBlueprint, ...] = (
    auth.blueprint,
    me.blueprint,
    tokens.blueprint,
    asset_pools.blueprint,
    assets.blueprint,
    asset_binaries.blueprint,
    binary_records.blueprint,
    asset_locations.blueprint,
    asset_components.blueprint,
    embeddings.blueprint,
    attachments.blueprint,
    avatars.blueprint,
    search.blueprint,
    tasks.blueprint,
    service.blueprint,
)
SPECS: tuple[CrudSpec[Any], ...] = (
    tokens.TOKEN_SPEC,
    asset_pools.POOL_SPEC,
    asset_components.COMPONENT_SPEC,
    embeddings.EMBEDDING_SPEC,
)
