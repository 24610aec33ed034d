"""A file while the nodes of a graph look at it: opened once, decoded once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from typing import BinaryIO

from PIL import Image, ImageCms, ImageOps
from PIL.ImageFile import ImageFile

from workers.media import motion, pdf
from workers.media.troubles import Undecodable, naming

_READ_BYTES = 1024**2
_SRGB = ImageCms.createProfile("sRGB")
_WORKING_EDGE = 800
"""What looks at a whole picture sees it at this size at most: JPEG gives smaller ones for a fraction of the work."""
_POSTER_SHARE = 0.1
"""Where in a video the frame lies that stands for it: the very first is often black."""
MOST_PIXELS = 400_000_000
Image.MAX_IMAGE_PIXELS = None  # `OpenedMedia` has a limit of its own, and the child one of memory


@dataclass
class OpenedMedia:
    """What nodes see of the bytes of an asset. `mime_type` is what they say themselves, `size` in bytes."""

    stream: BinaryIO
    size: int
    mime_type: str
    filename: str
    _working: Image.Image | None = field(default=None, repr=False)

    @property
    def family(self) -> str:
        """The word before the slash of its type."""
        return self.mime_type.partition("/")[0]

    def rewound(self) -> BinaryIO:
        """Give the stream, at its beginning."""
        self.stream.seek(0)
        return self.stream

    def chunks(self) -> Iterator[bytes]:
        """Yield all bytes."""
        stream = self.rewound()
        while data := stream.read(_READ_BYTES):
            yield data

    def open_image(self) -> ImageFile:
        """Read the head of a picture; nothing is decoded yet.

        Raises:
            Undecodable: when it is none, or too large to be looked at.
        """
        with naming("It cannot be read as a picture"):
            try:
                image = Image.open(self.rewound())
            except Image.DecompressionBombError as error:
                raise Undecodable(str(error)) from None
        if image.width * image.height > MOST_PIXELS:
            raise Undecodable(f"{image.width} x {image.height} pixels are too many")
        return image

    def working_image(self) -> Image.Image:
        """Give the picture upright, in RGB or RGBA, and no larger than it needs to be for looking at all of it.

        Of a video that is a frame near its beginning, of a PDF its first page, of a sound its cover.

        Raises:
            Undecodable: when it cannot be decoded, or there is none.
        """
        if self._working is None:
            self._working = self._picture()
        return self._working

    def whole_image(self) -> Image.Image:
        """Give the picture upright, in RGB, as large as it is; not kept.

        Raises:
            Undecodable: when it cannot be decoded.
        """
        image = self.open_image()
        with naming("The picture cannot be decoded"):
            image.seek(0)
            return _in_srgb(ImageOps.exif_transpose(image))

    def _picture(self) -> Image.Image:
        if self.family == "video":
            return self._frame()
        if self.mime_type == "application/pdf":
            return pdf.first_page(self.stream, _WORKING_EDGE)
        if self.family == "audio":
            found = motion.cover(self.stream, _WORKING_EDGE)
            if found is None:
                raise Undecodable("The sound has no cover")
            return found
        return self._decode()

    def _frame(self) -> Image.Image:
        for share in (_POSTER_SHARE, 0.0):
            if found := next(motion.frames_at(self.stream, [share], _WORKING_EDGE), None):
                return found
        raise Undecodable("No frame of it can be decoded")

    def _decode(self) -> Image.Image:
        image = self.open_image()
        with naming("The picture cannot be decoded"):
            image.draft("RGB", (_WORKING_EDGE, _WORKING_EDGE))
            image.seek(0)
            turned = ImageOps.exif_transpose(image)
            turned.thumbnail((_WORKING_EDGE, _WORKING_EDGE), Image.Resampling.BOX, reducing_gap=2.0)
            has_alpha = turned.has_transparency_data
            return turned.convert("RGBA") if has_alpha else _in_srgb(turned)

    def close(self) -> None:
        """Let go of the file."""
        self.stream.close()


def _in_srgb(image: Image.Image) -> Image.Image:
    """Give the colours as screens show them; a profile that cannot be used is none."""
    profile = image.info.get("icc_profile")
    if profile:
        with suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):
            given = ImageCms.ImageCmsProfile(BytesIO(profile))
            found = ImageCms.profileToProfile(image, given, _SRGB, outputMode="RGB")
            if found is not None:
                return found
    return image.convert("RGB")


def open_descriptor(descriptor: int, mime_type: str, filename: str) -> OpenedMedia:
    """Take over a file that somebody else has opened."""
    stream = os.fdopen(descriptor, "rb")
    return OpenedMedia(stream, os.fstat(descriptor).st_size, mime_type, filename)
