"""Attachment: a small file that belongs to an asset, an embedding or a user, such as a thumbnail."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from sqlalchemy import Enum, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.db import Audited, Base, HexBytes, Id


class AttachmentType(StrEnum):
    """What an attachment is."""

    EMBEDDING_ATTACHMENT = "EMBEDDING_ATTACHMENT"
    ASSET_THUMBNAIL = "ASSET_THUMBNAIL"
    CONTACT_SHEET = "CONTACT_SHEET"
    POSTER_FRAME = "POSTER_FRAME"
    WAVEFORM = "WAVEFORM"
    PROXY = "PROXY"
    EXTRACTED_AUDIO = "EXTRACTED_AUDIO"
    FACE_CROP = "FACE_CROP"
    PERSON_IMAGE = "PERSON_IMAGE"
    USER_AVATAR = "USER_AVATAR"


class Attachment(Audited, Base):
    """Its bytes are a blob, which counts attachments among those that refer to it.

    One that belongs to an embedding has the embedding's asset too: that decides who may read it.
    """

    __tablename__ = "attachment"
    __table_args__ = (
        Index("ix_attachment_asset_id", "asset_id"),
        Index("ix_attachment_embedding_id", "embedding_id"),
        Index("ix_attachment_blob_sha512", "blob_sha512"),
        Index("ix_attachment_space_id", "space_id", "id"),
    )

    id: Mapped[Id]
    space_id: Mapped[UUID] = mapped_column(ForeignKey("space.id"))
    asset_id: Mapped[UUID | None] = mapped_column(ForeignKey("asset.id", ondelete="CASCADE"))
    embedding_id: Mapped[UUID | None] = mapped_column(ForeignKey("embedding.id", ondelete="CASCADE"))
    type: Mapped[AttachmentType] = mapped_column(Enum(AttachmentType, native_enum=False, length=32))
    filename: Mapped[str]
    mime_type: Mapped[str]
    size: Mapped[int]
    variant: Mapped[str | None]
    """Of face crops, as are the next two: which of several, of what, and who cut it out."""
    detection_id: Mapped[UUID | None]
    node_kind: Mapped[str | None]
    blob_sha512: Mapped[str] = mapped_column(HexBytes, ForeignKey("blob.sha512"))
