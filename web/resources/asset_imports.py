"""Assets from elsewhere: a worker fetches what a URL names."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import fields, validate

from models.bodies.fields import RequestSchema, Sha512, Text
from models.fetching import check_url
from models.messages import IMPORT_ASSET
from models.paths import clean_name
from models.payloads import ImportAsset
from models.permissions import Actor, Permission
from models.services import tasks
from models.services.libraries import refer_for_upload
from models.unit_of_work import UnitOfWork
from web.accepted import accepted
from web.asset_bodies import AssetSchema
from web.auth import signed_in
from web.blueprints import LoomBlueprint
from web.resources.asset_binaries import stored_asset
from web.state import platform
from web.task_bodies import TaskSchema

_LONGEST_URL = 4096

blueprint = LoomBlueprint("asset-imports", "Assets from URLs")


class ImportSchema(RequestSchema):
    """What to fetch, and what to make of it."""

    url = fields.String(
        required=True,
        validate=validate.Length(max=_LONGEST_URL),
        metadata={"description": "http or https; it must lead to public addresses", "example": "https://example.org/a"},
    )
    filename = Text(longest=255, metadata={"description": "Else as the other server or the URL calls it"})
    origin = Text(longest=255, load_default="import")
    library_id = fields.UUID(data_key="libraryUuid", metadata={"description": "Add the asset to this library"})
    sha512 = Sha512(metadata={"description": "If it is another content, nothing is stored"})
    sha256 = fields.String(validate=validate.Regexp("^[0-9a-fA-F]{64}$"))


@blueprint.route("/assets/import", methods=["POST"])
@signed_in(Permission.CREATE_ASSET)
@blueprint.arguments(ImportSchema)
@blueprint.response(202, TaskSchema)
@blueprint.alt_response(200, schema=AssetSchema, description="The content is an asset already (Prefer: wait)")
@blueprint.alt_response(201, schema=AssetSchema, description="The new asset (Prefer: wait)")
def import_one(uow: UnitOfWork, actor: Actor, values: dict[str, Any]) -> Response:
    """Fetch what a URL names; its content becomes an asset, unless it is one already."""
    check_url(values["url"])
    if values.get("library_id"):
        refer_for_upload(uow, actor, values["library_id"])
    digests = {f"sha-{name[3:]}": values[name].lower() for name in ("sha512", "sha256") if values.get(name)}
    payload = ImportAsset(
        url=values["url"],
        filename=clean_name(values["filename"]) if values.get("filename") else None,
        origin=values["origin"],
        library_uuid=values.get("library_id"),
        digests=digests,
    )
    task = tasks.submit(
        uow,
        IMPORT_ASSET,
        payload,
        space_id=actor.space_id,
        title=f"Import {values['url'][:200]}",
        max_attempts=platform().settings.task_max_attempts,
        actor=actor,
    )
    uow.commit()
    return accepted(uow, actor, task, stored_asset)
