"""Small files of every family, made on the spot, whole and hostile."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from io import BytesIO
from random import Random

import av
from PIL import Image

from compose.demo_files.motion import make_sound, make_video

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_CORE = "http://schemas.openxmlformats.org/package/2006/metadata/core-properties"


def make_pdf(*pages: str, title: str = "A title") -> bytes:
    """A PDF of pages with a line of words each."""
    kids = " ".join(f"{3 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
    ]
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    for number, words in enumerate(pages):
        drawn = f"BT /F1 24 Tf 40 100 Td ({words}) Tj ET"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 200] /Contents {4 + 2 * number} 0 R "
            f"/Resources << /Font << /F1 {font} >> >> >>"
        )
        objects.append(f"<< /Length {len(drawn)} >>\nstream\n{drawn}\nendstream")
    objects.append(f"<< /Title ({title}) /Author (Ada) >>")
    out = BytesIO(b"%PDF-1.4\n")
    out.seek(0, 2)
    places = []
    for number, body in enumerate(objects, 1):
        places.append(out.tell())
        out.write(f"{number} 0 obj\n{body}\nendobj\n".encode())
    start = out.tell()
    out.write(f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode())
    out.write("".join(f"{place:010d} 00000 n \n" for place in places).encode())
    trailer = f"<< /Size {len(objects) + 1} /Root 1 0 R /Info {len(objects)} 0 R >>"
    out.write(f"trailer {trailer}\nstartxref\n{start}\n%%EOF".encode())
    return out.getvalue()


def make_deep_pdf(depth: int = 20_000) -> bytes:
    """A PDF with arrays in arrays in arrays."""
    return make_pdf("x").replace(b"/Type /Catalog", b"/Type /Catalog /Deep " + b"[" * depth + b"]" * depth)


def make_docx(words: str = "Hello from a document", title: str = "A report") -> bytes:
    """A word processor's document."""
    return zip_of({
        "[Content_Types].xml": b"<Types/>",
        "docProps/core.xml": (
            f'<c:coreProperties xmlns:c="{_CORE}" xmlns:dc="http://purl.org/dc/elements/1.1/">'
            f"<dc:title>{title}</dc:title><dc:creator>Ada</dc:creator></c:coreProperties>"
        ).encode(),
        "word/document.xml": (
            f'<w:document xmlns:w="{_W}"><w:body><w:p><w:r><w:t>{words}</w:t></w:r></w:p></w:body></w:document>'
        ).encode(),
    })  # fmt: skip


def zip_of(members: Mapping[str, bytes]) -> bytes:
    """A ZIP of some files."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def make_bomb_docx(mebibytes: int = 140) -> bytes:
    """A document of a few hundred kilobytes that unpacks to so many mebibytes."""
    body = b"<a>" + (b"<!--" + b"0" * 65_530 + b"-->") * (mebibytes * 16) + b"</a>"
    return zip_of({"word/document.xml": body})


def make_laughing_docx() -> bytes:
    """A document whose entities multiply."""
    kinds = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return zip_of({"word/document.xml": f'<!DOCTYPE l [<!ENTITY l0 "ha">{kinds}]><l>&l9;</l>'.encode()})


def video(seconds: int = 2, seed: int = 1) -> bytes:
    """A pan over a landscape; H.264 in MP4."""
    return make_video(Random(seed), seconds)


def sound() -> bytes:
    """A chord; FLAC."""
    return make_sound(Random(1), "flac", "flac")


def video_of_colours(*colours: str, frames: int = 24) -> bytes:
    """A video of one second for each colour: a scene each."""
    buffer = BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=frames)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for colour in colours:
            for _ in range(frames):
                picture = Image.new("RGB", (128, 96), colour)
                container.mux(stream.encode(av.VideoFrame.from_image(picture)))  # type: ignore[no-untyped-call]
        container.mux(stream.encode(None))
    return buffer.getvalue()
