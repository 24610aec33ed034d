"""Example values by the name of the field: the same story is told all through the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_UUID = "0192f0c1-7a3e-7cc2-9d1b-3f0a5b6c7d8e"

EXAMPLES: Mapping[str, Any] = {
    "uuid": _UUID,
    "assetUuid": _UUID,
    "poolUuid": _UUID,
    "libraryUuid": _UUID,
    "parentUuid": _UUID,
    "spaceUuid": _UUID,
    "userUuid": _UUID,
    "name": "Lisbon 2026",
    "description": "Photographs of a week in Lisbon",
    "title": "Which bridge is this?",
    "text": "The one over the Tagus, seen from Almada",
    "username": "ines",
    "firstname": "Inês",
    "lastname": "Carvalho",
    "email": "ines@example.org",
    "filename": "bridge.jpg",
    "mimeType": "image/jpeg",
    "origin": "upload",
    "size": 2481733,
    "sha512": "ab" * 64,
    "sha512sum": "ab" * 64,
    "sha256": "cd" * 32,
    "md5": "ef" * 16,
    "fsPath": "/srv/photographs",
    "schedule": "*/15 * * * *",
    "collection": "places",
    "color": "2a9d8f",
    "url": "https://example.org/hooks/loom",
    "created": "2026-11-25T08:30:00Z",
    "edited": "2026-11-25T08:30:00Z",
    "expires": "2027-01-01T00:00:00Z",
    "kind": "search.reindex",
    "lat": 38.6916,
    "lon": -9.1774,
    "rating": 4,
    "message": "Cannot find asset with uuid '0192f0c1-7a3e-7cc2-9d1b-3f0a5b6c7d8e'",
    "statusCode": 404,
    "code": "not-found",
    "meta": {"project": "travel guide"},
}
