"""Pictures of users (wire contract 4.1): of any user by their uuid, and of the signed-in user under `/me`.

An upload replaces the picture, by a task that also finds out whether it is one. Everybody who sees a user sees their
picture; one's own takes no permission.
"""

from __future__ import annotations

from uuid import UUID

from flask import Response, jsonify
from flask.typing import ResponseReturnValue
from marshmallow import fields
from werkzeug.wrappers.response import Response as AnyResponse

from models.bodies.fields import AnswerSchema
from models.entities import Attachment, AttachmentType, Task, User
from models.messages import STORE_ATTACHMENT
from models.payloads import StoreAttachment
from models.permissions import Actor, Permission
from models.services.avatars import (
    drop_avatar,
    find_own,
    find_pictured,
    get_avatar,
    lock_pictured,
)
from models.unit_of_work import UnitOfWork
from web.accepted import Finished, accepted, require_success
from web.auth import signed_in
from web.blueprints import PREFIX, LoomBlueprint, describe
from web.downloads import send_attachment
from web.openapi_files import gives_file, takes_file
from web.preconditions import etag_of, not_modified, require_etag, tagged
from web.state import platform
from web.task_bodies import TaskSchema
from web.upload_tasks import FILENAME, discarded_on_error, receive_upload, submit_upload

LARGEST_AVATAR = 16 * 1024**2
_OF_USER = "/users/<uuid:user_id>/avatar"
_OWN = "/me/avatar"

blueprint = LoomBlueprint("avatars", "Pictures of users")


class AvatarSchema(AnswerSchema):
    """A picture of a user."""

    filename = fields.String()
    mime_type = fields.String(data_key="mimeType")
    size = fields.Integer(metadata={"description": "Bytes"})
    url = fields.String(metadata={"description": "Where its bytes are"})


_SCHEMA = AvatarSchema()


@blueprint.route(_OF_USER, methods=["GET"])
@signed_in(Permission.READ_USER)
@blueprint.response(200, AvatarSchema)
def load_avatar(uow: UnitOfWork, actor: Actor, user_id: UUID) -> Response:
    """Load what is known of the picture of a user."""
    return _load(uow, find_pictured(uow, actor, user_id))


@blueprint.route(_OWN, methods=["GET"])
@signed_in()
@blueprint.response(200, AvatarSchema)
def load_own_avatar(uow: UnitOfWork, actor: Actor) -> Response:
    """Load what is known of one's own picture."""
    return _load(uow, find_own(uow, actor))


@blueprint.route(f"{_OF_USER}/data", methods=["GET"])
@describe("Download the picture of a user", **gives_file())
@signed_in(Permission.READ_USER)
def download_avatar(uow: UnitOfWork, actor: Actor, user_id: UUID) -> AnyResponse:
    """Give the bytes of a picture of a user."""
    return _download(uow, find_pictured(uow, actor, user_id))


@blueprint.route(f"{_OWN}/data", methods=["GET"])
@describe("Download one's own picture", **gives_file())
@signed_in()
def download_own_avatar(uow: UnitOfWork, actor: Actor) -> AnyResponse:
    """Give the bytes of one's own picture."""
    return _download(uow, find_own(uow, actor))


@blueprint.route(_OF_USER, methods=["POST"])
@describe("Upload a picture of a user, in place of the one before", FILENAME, **takes_file())
@signed_in(Permission.UPDATE_USER)
@blueprint.response(202, TaskSchema)
@blueprint.alt_response(201, schema=AvatarSchema)
def upload_avatar(uow: UnitOfWork, actor: Actor, user_id: UUID) -> Response:
    """Take in a picture of a user."""
    return _take_in(uow, actor, find_pictured(uow, actor, user_id, to_change=True))


@blueprint.route(_OWN, methods=["POST"])
@describe("Upload one's own picture, in place of the one before", FILENAME, **takes_file())
@signed_in()
@blueprint.response(202, TaskSchema)
@blueprint.alt_response(201, schema=AvatarSchema)
def upload_own_avatar(uow: UnitOfWork, actor: Actor) -> Response:
    """Take in one's own picture."""
    return _take_in(uow, actor, find_own(uow, actor, to_change=True))


@blueprint.route(_OF_USER, methods=["DELETE"])
@signed_in(Permission.UPDATE_USER)
@blueprint.response(204)
def delete_avatar(uow: UnitOfWork, actor: Actor, user_id: UUID) -> ResponseReturnValue:
    """Take the picture of a user away."""
    return _delete(uow, actor, find_pictured(uow, actor, user_id, to_change=True))


@blueprint.route(_OWN, methods=["DELETE"])
@signed_in()
@blueprint.response(204)
def delete_own_avatar(uow: UnitOfWork, actor: Actor) -> ResponseReturnValue:
    """Take one's own picture away."""
    return _delete(uow, actor, find_own(uow, actor, to_change=True))


def avatar_url(user_id: UUID) -> str:
    """Tell where the picture of a user can be downloaded."""
    return f"{PREFIX}/users/{user_id}/avatar/data"


def _load(uow: UnitOfWork, user: User) -> Response:
    avatar = get_avatar(uow, user)
    return not_modified(_etag(avatar)) or _show(user.id, avatar)


def _show(user_id: UUID, avatar: Attachment, status: int = 200) -> Response:
    answer = jsonify({**_SCHEMA.dump(avatar), "url": avatar_url(user_id)})
    answer.status_code = status
    return tagged(answer, _etag(avatar))


def _etag(avatar: Attachment) -> str:
    """Name this state of this picture: the next one begins to count anew."""
    return f"{avatar.id}.{etag_of(avatar)}"


def _download(uow: UnitOfWork, user: User) -> AnyResponse:
    avatar = get_avatar(uow, user)
    uow.release()
    return send_attachment(platform().blobs, avatar)


def _take_in(uow: UnitOfWork, actor: Actor, user: User) -> Response:
    user_id = user.id
    uow.release()
    received = receive_upload(LARGEST_AVATAR)
    with discarded_on_error(received):
        payload = StoreAttachment(
            pieces=received.pieces,
            filename=received.filename,
            type=AttachmentType.USER_AVATAR,
            user_uuid=user_id,
        )
        task = submit_upload(uow, actor, received, STORE_ATTACHMENT, payload, None)
    return accepted(uow, actor, task, _stored(user_id))


def _stored(user_id: UUID) -> Finished:
    """Show the picture that an upload has led to, or the one that came after it."""

    def finished(uow: UnitOfWork, actor: Actor, task: Task) -> Response:
        require_success(task)
        return _show(user_id, get_avatar(uow, uow.session.get_one(User, user_id)), 201)

    return finished


def _delete(uow: UnitOfWork, actor: Actor, user: User) -> ResponseReturnValue:
    locked = lock_pictured(uow, user.id)
    require_etag(_etag(get_avatar(uow, locked)))
    drop_avatar(uow, locked, actor.user_id)
    uow.commit()
    return "", 204
