"""Every mapped class, for Alembic and for those who need several."""

from models.entities.asset import Asset, Blob, Location, LocationState
from models.entities.event import Event, RelayPosition
from models.entities.pool import Pool
from models.entities.schedule import Schedule
from models.entities.space import Space
from models.entities.task import PartState, Task, TaskItem, TaskPart, TaskState
from models.entities.user import Token, User

__all__ = [
    "Asset",
    "Blob",
    "Event",
    "Location",
    "LocationState",
    "PartState",
    "Pool",
    "RelayPosition",
    "Schedule",
    "Space",
    "Task",
    "TaskItem",
    "TaskPart",
    "TaskState",
    "Token",
    "User",
]
