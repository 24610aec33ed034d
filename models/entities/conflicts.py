"""What it means to a caller that a constraint was violated, by the name of the constraint."""

from __future__ import annotations

CONFLICTS = {
    "uq_asset_space_id_sha512": "An asset with this SHA-512 exists already",
    "uq_pool_space_id_name": "An asset pool of this name exists already",
    "uq_space_name": "A space of this name exists already",
    "uq_token_user_id_name": "You have a token of this name already",
    "uq_user_username": "A user of this name exists already",
}
