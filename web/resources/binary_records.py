"""Asset binaries: records of where bytes of assets are said to be. Loom moves nothing and looks at nothing there.

The routes are plain. What Loom stores itself is in `asset_binaries.py`, which also lists it together with these.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from models.bodies.filters import instant_filter, text_filter, uuid_filter
from models.entities import AssetBinary
from models.permissions import Actor
from models.services.asset_binaries import ASSET_BINARIES, create_binary, update_binary
from models.unit_of_work import UnitOfWork
from web.binary_bodies import BinaryCreateSchema, BinarySchema, BinaryUpdateSchema, changed_columns, new_columns
from web.crud import CrudSpec, crud_blueprint
from web.pagination import Listing

Values = dict[str, Any]


def _create(uow: UnitOfWork, actor: Actor, values: Values) -> AssetBinary:
    return create_binary(uow, actor, new_columns(values))


def _update(uow: UnitOfWork, actor: Actor, binary: AssetBinary, values: Values) -> None:
    update_binary(uow, actor, binary, changed_columns(binary, values))


BINARY_SPEC = CrudSpec(
    path="/asset-binaries",
    resource=ASSET_BINARIES,
    description="Records of where bytes of assets are said to be",
    answer=BinarySchema,
    create_body=BinaryCreateSchema,
    update_body=BinaryUpdateSchema,
    listing=Listing(
        sorts={"created": attrgetter("created"), "edited": attrgetter("edited")},
        filters={
            "uuid": uuid_filter(AssetBinary.id),
            "asset": uuid_filter(AssetBinary.asset_id),
            "library": uuid_filter(AssetBinary.library_id),
            "pool": uuid_filter(AssetBinary.pool_id),
            "path": text_filter(AssetBinary.path),
            "bucket": text_filter(AssetBinary.bucket),
            "objectPath": text_filter(AssetBinary.object_path),
            "creator": uuid_filter(AssetBinary.creator_id),
            "editor": uuid_filter(AssetBinary.editor_id),
            "created": instant_filter(AssetBinary.created),
            "edited": instant_filter(AssetBinary.edited),
        },
    ),
    create=_create,
    update=_update,
)

blueprint = crud_blueprint(BINARY_SPEC)
