"""Photographs with everything that a camera writes into them: time, model, exposure, place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from random import Random

from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from compose.demo_files.scenes import paint_scene

PLACES: dict[str, tuple[float, float]] = {
    "lisbon": (38.7223, -9.1393),
    "reykjavik": (64.1466, -21.9426),
    "nairobi": (-1.2921, 36.8219),
    "kyoto": (35.0116, 135.7681),
    "valparaiso": (-33.0472, -71.6127),
    "wellington": (-41.2866, 174.7756),
}
_CAMERAS = (("Canon", "EOS R6"), ("NIKON CORPORATION", "Z 6_2"), ("FUJIFILM", "X-T4"), ("Apple", "iPhone 13"))
_SIZES = ((840, 560), (560, 840), (960, 640), (640, 640), (720, 480))
_FIRST_DAY = datetime(2021, 5, 1, 6, 0, tzinfo=UTC)
# Tags of EXIF 2.32 and the places of its sub-directories.
_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
_MAKE, _MODEL, _ORIENTATION, _SOFTWARE, _TAKEN = 0x010F, 0x0110, 0x0112, 0x0131, 0x0132
_EXPOSURE, _F_NUMBER, _ISO, _ORIGINAL, _FOCAL = 0x829A, 0x829D, 0x8827, 0x9003, 0x920A


@dataclass(frozen=True)
class Photo:
    """An encoded photograph and when it was taken."""

    data: bytes
    taken: datetime


def make_photo(random: Random, place: str) -> Photo:
    """Take a photograph of a place."""
    taken = _FIRST_DAY + timedelta(minutes=random.randrange(3 * 365 * 24 * 60))
    stream = BytesIO()
    picture = paint_scene(random, random.choice(_SIZES))
    picture.save(stream, "JPEG", quality=random.randint(78, 93), exif=_exif(random, place, taken))
    return Photo(stream.getvalue(), taken)


def _exif(random: Random, place: str, taken: datetime) -> Image.Exif:
    exif = Image.Exif()
    exif[_MAKE], exif[_MODEL] = random.choice(_CAMERAS)
    exif[_SOFTWARE] = "Loom demo"
    exif[_ORIENTATION] = random.choice((1, 1, 1, 1, 3, 6, 8))
    exif[_TAKEN] = f"{taken:%Y:%m:%d %H:%M:%S}"
    exif[_EXIF_IFD] = {
        _EXPOSURE: IFDRational(1, random.choice((30, 60, 125, 250, 500, 1000))),
        _F_NUMBER: IFDRational(random.choice((18, 28, 40, 56, 80)), 10),
        _ISO: random.choice((100, 200, 400, 800, 3200)),
        _ORIGINAL: f"{taken:%Y:%m:%d %H:%M:%S}",
        _FOCAL: IFDRational(random.choice((24, 35, 50, 85, 200)), 1),
    }
    exif[_GPS_IFD] = _position(random, *PLACES[place])
    return exif


def _position(random: Random, latitude: float, longitude: float) -> dict[int, object]:
    """Give a GPS block within a few kilometres of the place."""
    latitude += random.uniform(-0.03, 0.03)
    longitude += random.uniform(-0.03, 0.03)
    return {
        1: "N" if latitude >= 0 else "S",
        2: _degrees(abs(latitude)),
        3: "E" if longitude >= 0 else "W",
        4: _degrees(abs(longitude)),
        6: IFDRational(random.randint(0, 900), 1),
    }


def _degrees(value: float) -> tuple[IFDRational, IFDRational, IFDRational]:
    degrees, rest = divmod(value, 1)
    minutes, rest = divmod(rest * 60, 1)
    return IFDRational(int(degrees), 1), IFDRational(int(minutes), 1), IFDRational(round(rest * 6000), 100)
