"""Video, sound, PDF, office documents and text, looked at in the child: what is found, and what hostile ones cost."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image

from models.pipelines.outcomes import NodeState, Outcome
from tests.support import media_files as made
from workers.media.sandbox import Request, Sandboxes
from workers.media.wire import Gone

_MEBIBYTES = 512


@pytest.fixture(scope="module")
def sandboxes() -> Iterator[Sandboxes]:
    sandboxes = Sandboxes(1)
    yield sandboxes
    sandboxes.close()


class Looker:
    """Runs single kinds on bytes."""

    def __init__(self, sandboxes: Sandboxes, folder: Path) -> None:
        self._sandboxes = sandboxes
        self._place = folder / "file"

    def __call__(self, kind: str, data: bytes, mime_type: str, seconds: float = 30, **options: Any) -> Outcome:
        self._place.write_bytes(data)
        with self._place.open("rb") as file, self._sandboxes.borrow() as sandbox:
            try:
                sandbox.open(file.fileno(), mime_type, "file")
                outcome, _ = sandbox.run(Request(kind, options, {}, seconds, _MEBIBYTES))
            except Gone as error:
                outcome = Outcome(NodeState.FAILED, message=str(error))
            if sandbox.pid is not None:
                assert psutil.Process(sandbox.pid).memory_info().rss < 2 * _MEBIBYTES * 1024**2
            return outcome


@pytest.fixture
def look(sandboxes: Sandboxes, tmp_path: Path) -> Looker:
    return Looker(sandboxes, tmp_path)


def _image(outcome: Outcome, port: str = "thumbnail") -> Image.Image:
    assert outcome.state is NodeState.COMPLETED, outcome.message
    return Image.open(BytesIO(outcome.outputs[port].data)).convert("RGB")


def test_a_video_tells_of_its_streams_and_is_measured(look: Looker) -> None:
    data = made.video()
    found = look("metadata", data, "video/mp4").outputs["metadata"]
    assert (found["format"], found["durationSeconds"]) == ("mov", 2.0)
    (stream,) = found["streams"]
    assert (stream["codec"], stream["width"], stream["height"], stream["fps"]) == ("h264", 320, 180, 24.0)
    measured = look("quality", data, "video/mp4").outputs
    assert (measured["width"], measured["height"], measured["fps"]) == (320, 180, 24.0)
    assert measured["sharpness"] > 0


def test_a_video_has_a_poster_and_a_contact_sheet(look: Looker) -> None:
    data = made.video_of_colours("red", "lime", "blue")
    outcome = look("thumbnail", data, "video/mp4", size=300, columns=3, rows=1)
    poster: Any = _image(outcome).getpixel((10, 10))
    assert poster[0] > 200, "the poster is of the first second"
    sheet = _image(outcome, "sheet")
    strongest = []
    for number in range(3):
        pixel: Any = sheet.getpixel((sheet.width * (2 * number + 1) // 6, sheet.height // 2))
        strongest.append(pixel.index(max(pixel)))
    assert strongest == [0, 1, 2]
    assert outcome.outputs["sheet"].made.filename == "contact-sheet.webp"


def test_cuts_are_found_where_they_are(look: Looker) -> None:
    outputs = look("scene-detection", made.video_of_colours("white", "black", "grey"), "video/mp4").outputs
    assert outputs["count"] == 3
    assert [round(each["from"]) for each in outputs["scenes"]["segments"]] == [0, 1, 2]


def test_videos_that_look_alike_have_near_fingerprints(look: Looker) -> None:
    def bits(data: bytes) -> int:
        return int(look("fingerprint", data, "video/mp4").outputs["fingerprint"], 16)

    one, longer = bits(made.video(2)), bits(made.video(3))
    other = bits(made.video(seed=77))
    assert (one ^ longer).bit_count() < 30
    assert (one ^ other).bit_count() > 60
    assert look("fingerprint", made.video_of_colours("black"), "video/mp4").state is NodeState.FAILED


def test_a_sound_is_described_and_drawn(look: Looker) -> None:
    data = made.sound()
    found = look("metadata", data, "audio/flac").outputs["metadata"]
    assert (found["streams"][0]["type"], found["streams"][0]["channels"]) == ("audio", 1)
    drawn = _image(look("thumbnail", data, "audio/flac", size=120))
    assert drawn.size == (120, 40)
    assert len(drawn.getcolors(120 * 40) or []) > 1, "loudness is drawn"


def test_a_pdf_gives_pages_properties_words_and_a_picture(look: Looker) -> None:
    data = made.make_pdf("Hello one", "Hello two")
    metadata = look("metadata", data, "application/pdf")
    assert metadata.outputs["metadata"] == {
        "format": "PDF", "pages": 2, "tags": {"Title": "A title", "Author": "Ada"},
    }  # fmt: skip
    assert metadata.outputs["text"] == "A title\nAda"
    assert look("text", data, "application/pdf").outputs["content"].split() == ["Hello", "one", "Hello", "two"]
    page = _image(look("thumbnail", data, "application/pdf", size=200))
    assert page.size == (200, 100)
    darkest: Any = page.convert("L").getextrema()[0]
    assert darkest < 100, "words are drawn"


def test_an_office_document_gives_properties_and_words(look: Looker) -> None:
    data = made.make_docx()
    assert look("metadata", data, made.DOCX).outputs["metadata"]["tags"] == {"title": "A report", "creator": "Ada"}
    assert look("text", data, made.DOCX).outputs["content"] == "Hello from a document"


@pytest.mark.parametrize(
    ("data", "mime_type", "words"),
    [
        (b"<html><head><title>no</title></head><body><p>One</p><script>no</script> two", "text/html", "One\ntwo"),
        ("Grüße".encode(), "text/plain", "Grüße"),
        ("Grüße".encode("latin-1"), "text/plain", "Grüße"),
        ("Grüße".encode("utf-16"), "text/plain", "Grüße"),
        (b'{"a": 1}', "application/json", '{"a": 1}'),
    ],
)
def test_texts_are_read_in_their_encodings(look: Looker, data: bytes, mime_type: str, words: str) -> None:
    assert look("text", data, mime_type).outputs == {"content": words, "length": len(words)}


def test_a_text_is_cut_and_an_empty_one_is_no_failure(look: Looker) -> None:
    assert look("text", "ä".encode() * 100, "text/plain", maxChars=7).outputs["content"] == "ä" * 7
    assert look("text", b"", "text/plain").outputs == {"length": 0}


_HOSTILE = [
    ("a zip bomb", made.make_bomb_docx, made.DOCX, ("text",)),
    ("entities that multiply", made.make_laughing_docx, made.DOCX, ("text",)),
    ("no zip", lambda: b"PK\x03\x04 nonsense", made.DOCX, ("text", "metadata")),
    ("no PDF", lambda: b"%PDF-1.7 nonsense", "application/pdf", ("text", "metadata", "thumbnail")),
    ("a PDF that is cut off", lambda: made.make_pdf("x")[:120], "application/pdf", ("text", "metadata", "thumbnail")),
    ("a video that is cut off", lambda: made.video()[:2_000], "video/mp4", ("metadata", "thumbnail", "fingerprint")),
    ("no video", lambda: b"\0\0\0\x18ftypmp42" + b"\xff" * 4000, "video/mp4", ("thumbnail", "scene-detection")),
    ("no sound", lambda: b"fLaC" + b"\xff" * 4000, "audio/flac", ("metadata", "thumbnail")),
    ("nothing", lambda: b"", "video/mp4", ("metadata", "quality", "thumbnail", "fingerprint", "scene-detection")),
    (
        "a playlist of other files",
        lambda: b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
        "video/mp4",
        ("metadata", "thumbnail"),
    ),
    (
        "a list of files to join",
        lambda: b"ffconcat version 1.0\nfile /etc/passwd\n",
        "video/mp4",
        ("metadata", "thumbnail"),
    ),
]


@pytest.mark.parametrize(("make", "mime_type", "kinds"), [each[1:] for each in _HOSTILE], ids=[e[0] for e in _HOSTILE])
def test_what_is_broken_or_hostile_fails_by_name(
    look: Looker, make: Any, mime_type: str, kinds: tuple[str, ...]
) -> None:
    data = make()
    for kind in kinds:
        outcome = look(kind, data, mime_type)
        assert (outcome.state, bool(outcome.message)) == (NodeState.FAILED, True), kind
    assert look("md5", data, mime_type).state is NodeState.COMPLETED, "what looks at bytes does not mind"


def test_a_deep_pdf_ends_one_way_or_the_other(look: Looker) -> None:
    outcome = look("text", made.make_deep_pdf(), "application/pdf")
    assert outcome.state in {NodeState.COMPLETED, NodeState.FAILED}
    assert look("text", made.make_pdf("still here"), "application/pdf").outputs["content"].strip() == "still here"


def test_a_thumbnail_comes_in_as_many_sizes_as_are_wanted(look: Looker) -> None:
    buffer = BytesIO()
    Image.new("RGB", (600, 300), "red").save(buffer, "PNG")
    outcome = look("thumbnail", buffer.getvalue(), "image/png", size=100, moreSizes=[50, 200])
    assert _image(outcome).size == (100, 50)
    others = [Image.open(BytesIO(each.data)).size for each in outcome.outputs["others"]]
    assert others == [(50, 25), (200, 100)]
