"""What it means to a caller that a constraint was violated, by the name of the constraint."""

from __future__ import annotations

CONFLICTS = {
    "uq_asset_binary_place": "The library has a binary at this place already",
    "uq_asset_space_id_sha512": "An asset with this SHA-512 exists already",
    "uq_blacklist_space_id_sha512": "This content is blacklisted already",
    "uq_collection_space_id_name": "A collection of this name exists already",
    "uq_component_producer": "The asset has this component of this producer already",
    "uq_embedding_producer": "The asset has this embedding of this producer already",
    "uq_group_space_id_name": "A group of this name exists already",
    "uq_library_space_id_name": "A library of this name exists already",
    "uq_pipeline_space_id_name": "A pipeline of this name exists already",
    "uq_pool_space_id_name": "An asset pool of this name exists already",
    "uq_reaction_target": "You have reacted in this way already",
    "uq_role_space_id_name": "A role of this name exists already",
    "uq_space_name": "A space of this name exists already",
    "uq_saved_search_user_id_name": "You have a saved search of this name already",
    "uq_tag_space_id_collection_name": "A tag of this name exists already in this collection",
    "uq_token_user_id_name": "You have a token of this name already",
    "uq_user_space_id_username": "A user of this name exists already",
}
