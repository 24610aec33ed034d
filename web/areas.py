"""An area of an asset: a rectangle, a stretch of time, or both."""

from __future__ import annotations

from web.fields import BlockSchema, Whole


class AreaSchema(BlockSchema):
    """Which part of an asset is meant: milliseconds and pixels."""

    begin = Whole(least=0, data_key="from", metadata={"description": "Milliseconds"})
    end = Whole(least=0, data_key="to", metadata={"description": "Milliseconds"})
    start_x = Whole(data_key="startX")
    start_y = Whole(data_key="startY")
    width = Whole(least=0)
    height = Whole(least=0)
