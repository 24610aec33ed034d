"""Every resource, in the order of the OpenAPI document. A new one is added here."""

from __future__ import annotations

from typing import Any

from web.blueprints import LoomBlueprint
from web.crud import CrudSpec
from web.resources import (
    asset_binaries,
    asset_pools,
    assets,
    auth,
    groups,
    me,
    memberships,
    roles,
    search,
    service,
    spaces,
    tasks,
    tokens,
    users,
)

BLUEPRINTS: tuple[LoomBlueprint, ...] = (
    auth.blueprint,
    me.blueprint,
    tokens.blueprint,
    users.blueprint,
    groups.blueprint,
    roles.blueprint,
    memberships.blueprint,
    spaces.blueprint,
    asset_pools.blueprint,
    assets.blueprint,
    asset_binaries.blueprint,
    search.blueprint,
    tasks.blueprint,
    service.blueprint,
)
SPECS: tuple[CrudSpec[Any], ...] = (
    tokens.TOKEN_SPEC,
    users.USER_SPEC,
    groups.GROUP_SPEC,
    roles.ROLE_SPEC,
    spaces.SPACE_SPEC,
    asset_pools.POOL_SPEC,
)
