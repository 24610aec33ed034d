"""Attachments: small files that belong to an asset or an embedding (wire contract 5.7, 7).

Their creation is an upload, which a task ends; changing and reading them is plain. Pictures of users, which are
attachments too, have routes of their own in `avatars.py`.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any
from uuid import UUID

from flask import Response
from flask.typing import ResponseReturnValue
from marshmallow import fields
from werkzeug.wrappers.response import Response as AnyResponse

from models.bodies.fields import ChangeSchema, Constant, ElementSchema, Meta, MimeType, Name, RequestSchema, Text
from models.bodies.filters import enum_filter, instant_filter, size_filter, text_filter, uuid_filter
from models.entities import Attachment, AttachmentType, Task
from models.messages import STORE_ATTACHMENT
from models.payloads import StoreAttachment
from models.permissions import Actor, Permission
from models.services.asset_access import require_on_asset
from models.services.attachments import (
    ATTACHMENTS,
    delete_attachment,
    hold_attachment,
    require_attachable,
)
from models.services.embeddings import EMBEDDINGS
from models.unit_of_work import UnitOfWork
from web.accepted import accepted, require_success
from web.auth import signed_in
from web.blueprints import describe, load_values
from web.crud import CrudSpec, Operation, crud_blueprint, element_answer, list_answer
from web.downloads import send_attachment
from web.openapi_files import gives_file, takes_file
from web.pagination import PAGE_PARAMETERS, Listing, page_schema, read_page
from web.preconditions import require_match
from web.sparse import FIELDS_PARAMETER
from web.state import platform
from web.task_bodies import TaskSchema
from web.upload_tasks import FILENAME, discarded_on_error, receive_upload, submit_upload
from web.uploads import Received

_OF_ASSET = "/assets/<uuid:asset_id>/attachments"
_OF_EMBEDDING = "/embeddings/<uuid:embedding_id>/attachments"


class AttachmentSchema(ElementSchema):
    """A small file that belongs to an asset, an embedding or a user."""

    type = fields.Enum(AttachmentType)
    filename = fields.String()
    mime_type = fields.String(data_key="mimeType")
    sha512sum = fields.String(attribute="blob_sha512")
    size = fields.Integer(metadata={"description": "Bytes"})
    asset_id = fields.UUID(data_key="assetUuid")
    embedding_id = fields.UUID(data_key="embeddingUuid")
    detection_id = fields.UUID(data_key="detectionUuid")
    variant = fields.String()
    node_kind = fields.String(data_key="nodeKind")


class AttachmentFormSchema(RequestSchema):
    """What a form, or a query, says of a file besides its name."""

    type = Constant(AttachmentType, load_default=AttachmentType.EMBEDDING_ATTACHMENT)
    asset_id = fields.UUID(data_key="assetUuid", load_default=None)
    embedding_id = fields.UUID(data_key="embeddingUuid", load_default=None)
    detection_id = fields.UUID(data_key="detectionUuid", load_default=None)
    variant = Text(longest=255, load_default=None)
    node_kind = Text(longest=255, data_key="nodeKind", load_default=None)


class AttachmentUpdateSchema(ChangeSchema):
    """What can be changed of an attachment. Its bytes never change."""

    filename = Name()
    mime_type = MimeType(data_key="mimeType")
    meta = Meta()


ATTACHMENT_SPEC = CrudSpec(
    path="/attachments",
    resource=ATTACHMENTS,
    description="Small files that belong to assets, embeddings and users",
    answer=AttachmentSchema,
    create_body=AttachmentFormSchema,
    update_body=AttachmentUpdateSchema,
    listing=Listing(
        sorts={
            "name": attrgetter("filename"),
            "created": attrgetter("created"),
            "edited": attrgetter("edited"),
            "size": attrgetter("size"),
        },
        filters={
            "uuid": uuid_filter(Attachment.id),
            "asset": uuid_filter(Attachment.asset_id),
            "embedding": uuid_filter(Attachment.embedding_id),
            "type": enum_filter(Attachment.type, AttachmentType),
            "name": text_filter(Attachment.filename),
            "mimeType": text_filter(Attachment.mime_type),
            "size": size_filter(Attachment.size),
            "creator": uuid_filter(Attachment.creator_id),
            "editor": uuid_filter(Attachment.editor_id),
            "created": instant_filter(Attachment.created),
            "edited": instant_filter(Attachment.edited),
        },
    ),
    operations=frozenset({Operation.LIST, Operation.LOAD, Operation.UPDATE, Operation.REPLACE}),
)
_SCHEMA = AttachmentSchema()
_FORM = AttachmentFormSchema()

blueprint = crud_blueprint(ATTACHMENT_SPEC)


@blueprint.route(ATTACHMENT_SPEC.path, methods=["POST"])
@describe(
    "Upload a file that belongs to what the form, or the query, names", FILENAME, **takes_file(AttachmentFormSchema)
)
@signed_in(Permission.CREATE_ATTACHMENT)
@blueprint.response(202, TaskSchema)
@blueprint.alt_response(201, schema=AttachmentSchema)
def upload_one(uow: UnitOfWork, actor: Actor) -> Response:
    """Take in a file."""
    received = receive_upload()
    with discarded_on_error(received):
        values = _read_form(received)
        task = _submit(uow, actor, received, values)
    return accepted(uow, actor, task, _stored)


@blueprint.route(_OF_EMBEDDING, methods=["POST"])
@describe("Upload a file that belongs to an embedding", FILENAME, **takes_file(AttachmentFormSchema))
@signed_in(Permission.CREATE_ATTACHMENT)
@blueprint.response(202, TaskSchema)
@blueprint.alt_response(201, schema=AttachmentSchema)
def upload_of_embedding(uow: UnitOfWork, actor: Actor, embedding_id: UUID) -> Response:
    """Take in a file of an embedding."""
    embedding = EMBEDDINGS.get(uow, actor, embedding_id)
    require_attachable(uow, actor, embedding.asset_id, embedding_id)
    uow.release()
    received = receive_upload()
    with discarded_on_error(received):
        task = _submit(uow, actor, received, {**_read_form(received), "embedding_id": embedding_id})
    return accepted(uow, actor, task, _stored)


def _read_form(received: Received) -> dict[str, Any]:
    """Read what came along with a file; what is empty is not set."""
    return load_values(_FORM, {name: value for name, value in received.form.items() if value})


def _submit(uow: UnitOfWork, actor: Actor, received: Received, values: dict[str, Any]) -> Task:
    embedding_id = values["embedding_id"]
    asset_id = require_attachable(uow, actor, values["asset_id"], embedding_id)
    payload = StoreAttachment(
        pieces=received.pieces,
        filename=received.filename,
        type=values["type"],
        asset_uuid=asset_id,
        embedding_uuid=embedding_id,
        detection_uuid=values["detection_id"],
        variant=values["variant"],
        node_kind=values["node_kind"],
    )
    return submit_upload(uow, actor, received, STORE_ATTACHMENT, payload, asset_id)


def _stored(uow: UnitOfWork, actor: Actor, task: Task) -> Response:
    """Show the attachment that an upload has led to."""
    require_success(task)
    attachment = ATTACHMENTS.get(uow, actor, UUID((task.result or {})["attachmentUuid"]))
    return element_answer(uow, actor, _SCHEMA, attachment, 201)


@blueprint.route(ATTACHMENT_SPEC.element_path, methods=["DELETE"])
@signed_in(Permission.DELETE_ATTACHMENT)
@blueprint.response(204)
def delete_one(uow: UnitOfWork, actor: Actor, element_id: UUID) -> ResponseReturnValue:
    """Delete an attachment; its bytes go when nothing else has them."""
    attachment = hold_attachment(uow, actor, element_id)
    require_match(attachment)
    delete_attachment(uow, actor, attachment)
    uow.commit()
    return "", 204


@blueprint.route(f"{ATTACHMENT_SPEC.element_path}/data", methods=["GET"])
@describe("Download the bytes of an attachment", **gives_file())
@signed_in(Permission.READ_ATTACHMENT)
def download_one(uow: UnitOfWork, actor: Actor, element_id: UUID) -> AnyResponse:
    """Give the bytes of an attachment."""
    attachment = ATTACHMENTS.get(uow, actor, element_id)
    uow.release()
    return send_attachment(platform().blobs, attachment)


@blueprint.route(_OF_ASSET, methods=["GET"])
@describe("List the attachments of an asset and of its embeddings", *PAGE_PARAMETERS, FIELDS_PARAMETER)
@signed_in(Permission.READ_ATTACHMENT)
@blueprint.response(200, page_schema(AttachmentSchema))
def list_of_asset(uow: UnitOfWork, actor: Actor, asset_id: UUID) -> Response:
    """Give a page of the attachments of an asset."""
    wanted = read_page(ATTACHMENT_SPEC.listing).where(Attachment.asset_id == asset_id)
    require_on_asset(uow, actor, asset_id, Permission.READ_ATTACHMENT)
    return list_answer(uow, actor, _SCHEMA, ATTACHMENTS.page(uow, actor, wanted), wanted)


@blueprint.route(_OF_EMBEDDING, methods=["GET"])
@describe("List the attachments of an embedding", *PAGE_PARAMETERS, FIELDS_PARAMETER)
@signed_in(Permission.READ_ATTACHMENT)
@blueprint.response(200, page_schema(AttachmentSchema))
def list_of_embedding(uow: UnitOfWork, actor: Actor, embedding_id: UUID) -> Response:
    """Give a page of the attachments of an embedding."""
    wanted = read_page(ATTACHMENT_SPEC.listing).where(Attachment.embedding_id == embedding_id)
    EMBEDDINGS.get(uow, actor, embedding_id)
    return list_answer(uow, actor, _SCHEMA, ATTACHMENTS.page(uow, actor, wanted), wanted)
