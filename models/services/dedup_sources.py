"""What duplicates are found by: places of the same content, and fingerprints; the best first."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from models.services.dedup import Candidate, Proposal
from models.services.unwanted import WELCOME
from models.unit_of_work import UnitOfWork

EXACT = "sha512"
_BEST_FIRST = "(coalesce(asset.zero_chunk_count, 0) > 0), asset.size DESC, asset.id"
"""What is whole comes before what has holes, then the largest."""


@dataclass(frozen=True)
class Printed:
    """An asset and its fingerprint."""

    candidate: Candidate
    hashes: tuple[str, ...]
    """Of 32 hexadecimal digits each: one of a picture, one for each frame of a film."""


def copies(uow: UnitOfWork, space_id: UUID) -> list[Proposal]:
    """Give a proposal for each content that lies in several places; the oldest file is kept."""
    rows = uow.fetch(
        f"""SELECT asset.id, asset.size, array_agg(location.id ORDER BY mtime_ns, path, location.id) FROM location
            JOIN asset ON asset.id = location.asset_id
            WHERE asset.space_id = %(space)s AND location.state = 'PRESENT' AND {WELCOME}
            GROUP BY asset.id HAVING count(*) > 1 ORDER BY asset.id""",  # noqa: S608 - a constant
        space=space_id,
    )
    return [
        Proposal(EXACT, *_split([Candidate(asset_id, size, 1.0, place) for place in places]))
        for asset_id, size, places in rows
    ]


def _split(candidates: list[Candidate]) -> tuple[Candidate, list[Candidate]]:
    return candidates[0], candidates[1:]


def pictures(uow: UnitOfWork, space_id: UUID) -> list[Printed]:
    """Give all pictures with a pHash and a dHash."""
    one = "(payload #>> '{{data,{}}}')"
    rows = uow.fetch(
        f"""SELECT asset.id, asset.size, {one.format("phash")} || {one.format("dhash")} FROM component
            JOIN asset ON asset.id = component.asset_id
            WHERE component.space_id = %(space)s AND component.source = 'pipeline' AND node_id = 'image-hash'
            AND {one.format("phash")} ~ '^[0-9a-f]{{16}}$' AND {one.format("dhash")} ~ '^[0-9a-f]{{16}}$'
            AND {WELCOME} ORDER BY {_BEST_FIRST}""",  # noqa: S608 - constants
        space=space_id,
    )
    return [Printed(Candidate(asset_id, size), (digits,)) for asset_id, size, digits in rows]


def films(uow: UnitOfWork, space_id: UUID, algorithm: str) -> list[Printed]:
    """Give all films of which an algorithm has hashed frames."""
    rows = uow.fetch(
        f"""SELECT asset.id, asset.size, ARRAY(SELECT hash FROM jsonb_array_elements_text(
                CASE jsonb_typeof(payload #> '{{data,frames,hashes}}') WHEN 'array'
                THEN payload #> '{{data,frames,hashes}}' ELSE '[]' END) AS hash WHERE hash ~ '^[0-9a-f]{{32}}$')
            FROM component JOIN asset ON asset.id = component.asset_id
            WHERE component.space_id = %(space)s AND component.source = 'pipeline' AND node_id = 'fingerprint'
            AND payload #>> '{{data,frames,algorithm}}' = %(algorithm)s AND {WELCOME}
            ORDER BY {_BEST_FIRST}""",  # noqa: S608 - constants
        space=space_id,
        algorithm=algorithm,
    )
    return [Printed(Candidate(asset_id, size), tuple(hashes)) for asset_id, size, hashes in rows if hashes]
