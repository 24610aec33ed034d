"""Video and sound, by FFmpeg's libraries: what containers say, frames at some times, covers and loudness.

A container may name other files (playlists, references); none is ever opened, and formats that consist of such names
are not known here.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO

import av
from PIL import Image

from workers.media.troubles import Undecodable, naming

_FORMATS = (
    "aac,ac3,aiff,amr,ape,asf,avi,caf,dsf,eac3,flac,flv,h264,hevc,ivf,m4v,matroska,mjpeg,mov,mp3,mpeg,mpegts,"
    "mpegvideo,mxf,ogg,tta,w64,wav,webm,wv"
)
_MOST_STREAMS = 16
_MOST_TAGS, _LONGEST_TAG = 100, 4096
_MOST_FRAMES = 300
"""Frames that are decoded in search of one time: no more lie between two that can be sought."""
_NEAR_SECONDS = 4.0
"""As far as one reads on, which costs about as much as to decode from where one can seek."""
_MOST_PIXELS = 64_000_000
_SOUND_RATE = 8_000
"""Samples a second are enough to draw loudness."""


@contextmanager
def opened(stream: BinaryIO) -> Iterator[Any]:
    """Give the container of a stream, at its beginning.

    Raises:
        Undecodable: when it is none, or what is done in the block fails for it.
    """
    with naming("It cannot be read as video or sound"):
        stream.seek(0)
        options = {"format_whitelist": _FORMATS}
        with av.open(stream, "r", metadata_errors="replace", options=options, io_open=_refuse) as container:
            yield container


def _refuse(url: str, _flags: int, _options: object) -> BinaryIO:
    raise Undecodable(f"It refers to another file: {url}"[:300])


def describe(stream: BinaryIO) -> dict[str, Any]:
    """Give what a container says of itself and its streams: duration in seconds, bit rates in bits a second."""
    with opened(stream) as container:
        streams = [_describe_stream(each) for each in list(container.streams)[:_MOST_STREAMS]]
        found = {
            "format": container.format.name.partition(",")[0], "durationSeconds": seconds_of(container),
            "bitRate": container.bit_rate or None, "streams": streams, "tags": tags_of(container.metadata),
        }  # fmt: skip
        return {name: value for name, value in found.items() if value is not None}


def _describe_stream(stream: Any) -> dict[str, Any]:
    context = stream.codec_context
    found: dict[str, Any] = {
        "type": stream.type, "codec": context.name if context else None, "language": stream.metadata.get("language"),
        "bitRate": (context.bit_rate if context else None) or None,
    }  # fmt: skip
    if stream.type == "video":
        rate = stream.average_rate
        found |= {"width": context.width, "height": context.height, "isCover": is_cover(stream),
                  "fps": round(float(rate), 3) if rate else None}  # fmt: skip
    if stream.type == "audio":
        found |= {"sampleRate": context.sample_rate, "channels": context.channels}
    return {name: value for name, value in found.items() if value is not None}


def tags_of(metadata: Any) -> dict[str, str]:
    """Give the tags of a container that people can read, in lower case."""
    pairs = list(metadata.items())[:_MOST_TAGS]
    return {name.lower(): value[:_LONGEST_TAG].replace("\0", "") for name, value in pairs if value.strip()}


def seconds_of(container: Any) -> float | None:
    """How long it takes, if it says."""
    return round(container.duration / av.time_base, 3) if container.duration and container.duration > 0 else None


def length_of(stream: BinaryIO) -> float:
    """How many seconds it takes; 0 if it does not say."""
    with opened(stream) as container:
        return seconds_of(container) or 0.0


def is_cover(stream: Any) -> bool:
    """Whether a video stream is a single picture that goes with a sound."""
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def video_of(container: Any) -> Any:
    """Give the stream of moving pictures.

    Raises:
        Undecodable: when there is none, or its frames are too large.
    """
    stream = next((each for each in container.streams.video if not is_cover(each)), None)
    if stream is None:
        raise Undecodable("There are no moving pictures in it")
    return _ready(stream)


def _ready(stream: Any) -> Any:
    context = stream.codec_context
    if context.width * context.height > _MOST_PIXELS:
        raise Undecodable(f"Frames of {context.width} x {context.height} pixels are too many")
    context.thread_count = 1  # each thread has frames of its own, and memory is limited
    return stream


def frames_at(stream: BinaryIO, shares: Sequence[float], edge: int, *, grey: bool = False) -> Iterator[Image.Image]:
    """Yield pictures at some shares of the duration (0 - 1, rising), upright and no larger than an edge.

    Where nothing can be sought, the first frames stand for later ones; a broken place is left out.
    """
    with opened(stream) as container:
        video = video_of(container)
        length = seconds_of(container) or 0.0
        frames = _Frames(container, video)
        for share in shares:
            frame = frames.at(share * length)
            if frame is not None:
                yield _picture(frame, edge, grey=grey)


class _Frames:
    """Finds frames at rising times: it reads on where the next is near, and seeks where it is far."""

    def __init__(self, container: Any, video: Any) -> None:
        self._container, self._video = container, video
        self._decoder: Iterator[Any] | None = None
        self._last: Any = None

    def at(self, seconds: float) -> Any:
        """Give the first frame at or after a time; the last one before it when there is none."""
        try:
            self._go_near(seconds)
            return self._read_on(seconds)
        except av.error.FFmpegError:
            self._decoder = None
            return self._last

    def _go_near(self, seconds: float) -> None:
        at = self._last.time if self._decoder is not None and self._last is not None else None
        if at is None or not 0 <= seconds - at <= _NEAR_SECONDS:
            self._decoder = self._last = None
            self._container.seek(int(seconds * av.time_base))
            self._decoder = self._container.decode(self._video)

    def _read_on(self, seconds: float) -> Any:
        assert self._decoder is not None
        for number, frame in enumerate(self._decoder):
            self._last = frame
            if frame.time is None or frame.time >= seconds or number >= _MOST_FRAMES:
                break
        return self._last


def _picture(frame: Any, edge: int, *, grey: bool) -> Image.Image:
    scale = min(1.0, edge / max(frame.width, frame.height, 1))
    size = max(1, round(frame.width * scale)), max(1, round(frame.height * scale))
    small = frame.reformat(*size, format="gray" if grey else "rgb24")
    plane = small.planes[0]
    mode = "L" if grey else "RGB"
    image = Image.frombytes(mode, size, bytes(plane), "raw", mode, plane.line_size)
    turned = int(getattr(frame, "rotation", 0) or 0) % 360
    return image.rotate(turned, expand=True) if turned else image


def all_frames(stream: BinaryIO, edge: int) -> Iterator[tuple[float, Image.Image]]:
    """Yield every frame that can be decoded, in grey, with its time in seconds."""
    with opened(stream) as container:
        video = video_of(container)
        for packet in container.demux(video):
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                continue  # a broken packet costs its own frames
            for frame in frames:
                if frame.time is not None:
                    yield frame.time, _picture(frame, edge, grey=True)


def cover(stream: BinaryIO, edge: int) -> Image.Image | None:
    """Give the picture that goes with a sound, if there is one."""
    with opened(stream) as container:
        video = next(iter(container.streams.video), None)
        if video is None:
            return None
        frame = next(container.decode(_ready(video)), None)
        return None if frame is None else _picture(frame, edge, grey=False)


def loudness(stream: BinaryIO, columns: int, most_seconds: float) -> list[float]:
    """Give how loud a sound is (0 - 1) in so many stretches of the same length, of its beginning at most."""
    with opened(stream) as container:
        sound = next(iter(container.streams.audio), None)
        if sound is None:
            raise Undecodable("There is no sound in it")
        sound.codec_context.thread_count = 1
        samples = _samples(container, sound, int(most_seconds * _SOUND_RATE))
    if not samples:
        raise Undecodable("There is no sound in it")
    step = max(1, -(-len(samples) // columns))
    parts = (samples[at : at + step] for at in range(0, len(samples), step))
    return [max(map(abs, part)) / 32768 for part in parts]


def _samples(container: Any, sound: Any, most: int) -> array[int]:
    resampler = av.AudioResampler("s16", "mono", _SOUND_RATE)
    samples: array[int] = array("h")
    for packet in container.demux(sound):
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            continue
        for frame in frames:
            for small in resampler.resample(frame):
                samples.frombytes(bytes(small.planes[0])[: small.samples * 2])
        if len(samples) >= most:
            break
    return samples
