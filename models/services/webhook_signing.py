"""Secrets of webhooks and what is signed with them, as Standard Webhooks 1.0 says (standardwebhooks.com)."""

from __future__ import annotations

import binascii
import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

from standardwebhooks import Webhook

from models.errors import InvalidInput

_PREFIX = "whsec_"
_SECRET_BYTES = 32
_FEWEST_BYTES, _MOST_BYTES = 8, 768


def make_secret() -> str:
    """Make a secret that nobody can guess."""
    return _PREFIX + b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def check_secret(secret: str) -> None:
    """See whether a secret can sign.

    Raises:
        InvalidInput: when it is too short or too long, or says that it is in base64 and is not.
    """
    if not _FEWEST_BYTES <= len(_key_of(secret)) <= _MOST_BYTES:
        raise InvalidInput(f"secretToken: must have {_FEWEST_BYTES} to {_MOST_BYTES} bytes", code="validation")


def signed_headers(secret_tokens: Iterable[str], message_id: UUID, body: str) -> dict[str, str]:
    """Give the headers by which a receiver knows who sends, and that it is new: a signature for each secret."""
    now, told = datetime.now(UTC), str(message_id)
    signatures = [Webhook(_key_of(secret)).sign(told, now, body) for secret in secret_tokens]
    return {
        "webhook-id": told, "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": " ".join(signatures),
    }  # fmt: skip


def _key_of(secret: str) -> bytes:
    """`whsec_` announces base64; anything else is the key itself."""
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise InvalidInput("secretToken: what follows whsec_ must be base64", code="validation") from None
