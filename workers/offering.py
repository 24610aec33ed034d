"""What a worker offers beyond the kinds of node that are built in."""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError

from models.logs import get_logger
from models.services.node_kinds import know_kinds
from models.wiring import Platform
from workers.nodes import CUSTOM, DESCRIPTORS

logger = get_logger(__name__)


def announce_kinds(platform: Platform) -> None:
    """Let everybody know the kinds that packages have brought into this process; their contracts stay known."""
    if not CUSTOM:
        return
    try:
        with platform.unit_of_work() as uow:
            know_kinds(uow, [DESCRIPTORS[kind] for kind in CUSTOM], are_builtin=False)
            uow.commit()
    except SQLAlchemyError as error:
        logger.warning("kinds of node cannot be announced now", reason=type(error).__name__)
