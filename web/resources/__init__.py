"""Every resource, in the order of the OpenAPI document. A new one is added here."""

from typing import Any

from web.blueprints import LoomBlueprint
from web.crud import CrudSpec
from web.resources import (
    annotations,
    asset_binaries,
    asset_pools,
    assets,
    auth,
    blacklists,
    comments,
    groups,
    me,
    memberships,
    node_descriptors,
    oauth2,
    pipelines,
    reactions,
    roles,
    search,
    service,
    spaces,
    tasks,
    tokens,
    users,
    webhooks,
)

BLUEPRINTS: tuple[LoomBlueprint, ...] = (
    auth.blueprint,
    oauth2.blueprint,
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
    comments.blueprint,
    annotations.blueprint,
    reactions.blueprint,
    blacklists.blueprint,
    pipelines.blueprint,
    node_descriptors.blueprint,
    webhooks.blueprint,
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
    comments.COMMENT_SPEC,
    annotations.ANNOTATION_SPEC,
    blacklists.BLACKLIST_SPEC,
    pipelines.PIPELINE_SPEC,
    webhooks.WEBHOOK_SPEC,
)
