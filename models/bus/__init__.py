"""The messages between processes: wake-ups for workers, live frames for sockets. All may be lost without loss.

What must not be lost is a row in PostgreSQL; whoever waits here also looks there now and then.
"""

from models.bus.port import Bus, Order, WorkerInfo, WorkerState
from models.bus.redis_bus import RedisBus

__all__ = ["Bus", "Order", "RedisBus", "WorkerInfo", "WorkerState"]
