"""Whose part goes next: spaces take turns, and within a space its tasks.

Start-time fair queueing (P. Goyal, H. M. Vin, H. Cheng, 1996) with a part as the unit of work. A part gets the number
of its turn when it becomes ready, and the least goes first. The clock of a queue is the turn of what was begun last:
who comes anew begins there, however far ahead others have queued up; who has parts ready already goes on behind them.
Where `n` tasks of a space have parts ready, each of them takes every `n`-th turn: all of them together get what a space
with one task gets. All this is among parts of the same queue and the same priority.
"""

from __future__ import annotations

from models.entities import Task

TURNS = """
    head AS MATERIALIZED (
        SELECT task_id, space_id, turn FROM task_part
        WHERE queue = :queue AND priority = :priority AND state = 'READY' ORDER BY turn, id LIMIT 256),
    turns AS MATERIALIZED (
        SELECT CASE WHEN own IS NULL THEN clock + others ELSE greatest(clock, own) + others + 1 END AS first,
            others + 1 AS step
        FROM (SELECT
            coalesce((SELECT max(turn) FROM task_part
                      WHERE state = 'RUNNING' AND queue = :queue AND priority = :priority),
                     (SELECT min(turn) FROM head), 0) AS clock,
            (SELECT count(DISTINCT task_id) FROM head WHERE space_id = :space AND task_id <> :task) AS others,
            (SELECT max(turn) FROM task_part WHERE task_id = :task AND queue = :queue AND state = 'READY') AS own
        ) AS now)
"""
"""What stands behind `WITH` in a statement that makes parts of a task ready, with the parameters of `of_task`: `turns`
has one row, with the turn of the `first` of them and the `step` between two. Other tasks of the space are looked for
among the parts that go next."""


def of_task(task: Task, queue: str) -> dict[str, object]:
    """Give the parameters that `TURNS` needs."""
    return {"task": task.id, "queue": queue, "priority": task.priority, "space": task.space_id}
