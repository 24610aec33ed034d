"""A short video and short sounds."""

from __future__ import annotations

import math
from array import array
from fractions import Fraction
from io import BytesIO
from random import Random
from typing import TYPE_CHECKING, cast

import av
from PIL import Image

if TYPE_CHECKING:
    from av.audio.stream import AudioStream

from compose.demo_files.scenes import paint_scene

_FRAME_SIZE = (320, 180)
_FRAMES_PER_SECOND = 24
_SAMPLE_RATE = 11025
_BLOCK = 1024


def make_video(random: Random, seconds: int = 2) -> bytes:
    """Pan over a landscape; H.264 in MP4."""
    scene = paint_scene(random, (_FRAME_SIZE[0] * 2, _FRAME_SIZE[1]))
    stream = BytesIO()
    frame_count = seconds * _FRAMES_PER_SECOND
    with av.open(stream, "w", format="mp4") as container:
        video = container.add_stream("libx264", rate=_FRAMES_PER_SECOND)
        video.width, video.height = _FRAME_SIZE
        video.pix_fmt = "yuv420p"
        # One thread: with several, the same frames may give other bytes.
        video.options = {"threads": "1", "preset": "veryfast"}
        for index in range(frame_count):
            container.mux(video.encode(_frame(scene, index / frame_count)))
        container.mux(video.encode(None))
    return stream.getvalue()


def _frame(scene: Image.Image, position: float) -> av.VideoFrame:
    left = round(position * (scene.width - _FRAME_SIZE[0]))
    picture = scene.crop((left, 0, left + _FRAME_SIZE[0], _FRAME_SIZE[1]))
    frame: av.VideoFrame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]
    return frame


def make_sound(random: Random, codec: str, container_format: str, seconds: int = 2) -> bytes:
    """Play a chord that fades; mono."""
    stream = BytesIO()
    tones = [random.choice((220, 247, 262, 294)) * factor for factor in (1.0, 1.25, 1.5)]
    with av.open(stream, "w", format=container_format) as container:
        audio = cast("AudioStream", container.add_stream(codec, rate=_SAMPLE_RATE))
        audio.layout = "mono"
        for start in range(0, seconds * _SAMPLE_RATE, _BLOCK):
            container.mux(audio.encode(_samples(tones, start, seconds)))
        container.mux(audio.encode(None))
    return stream.getvalue()


def _samples(tones: list[float], start: int, seconds: int) -> av.AudioFrame:
    """Compute one block of 16-bit samples."""
    block = array("h", (_sample(tones, (start + offset) / _SAMPLE_RATE, seconds) for offset in range(_BLOCK)))
    frame = av.AudioFrame(format="s16", layout="mono", samples=_BLOCK)
    frame.planes[0].update(block.tobytes())
    frame.sample_rate = _SAMPLE_RATE
    frame.pts = start
    frame.time_base = Fraction(1, _SAMPLE_RATE)
    return frame


def _sample(tones: list[float], second: float, seconds: int) -> int:
    loudness = max(0.0, 1 - second / seconds) * 9000
    return round(loudness * sum(math.sin(2 * math.pi * tone * second) for tone in tones))
