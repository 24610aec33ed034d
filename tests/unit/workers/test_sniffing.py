from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import random
import sqlite3
import tarfile
import time
import wave
import zipfile
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from workers.processing.sniffing import EMPTY, HEAD_BYTES, UNKNOWN, sniff_mime


def picture(form: str, **options: object) -> bytes:
    target = io.BytesIO()
    Image.effect_noise((64, 64), 40).convert("RGB").save(target, form, **options)
    return target.getvalue()


def zipped(*entries: tuple[str, bytes], stored: bool = False) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return target.getvalue()


def encoded(container: str, codec: str) -> bytes:
    target = io.BytesIO()
    with av.open(target, "w", format=container) as output:
        if codec in {"pcm_s16le", "flac", "libmp3lame", "libopus", "aac", "mp2"}:
            stream: Any = output.add_stream(codec, rate=48000)
            frame = av.AudioFrame(format="s16", layout="stereo", samples=1152)
            frame.rate = 48000
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            resampler = av.AudioResampler(format=stream.format, layout="stereo", rate=48000, frame_size=1152)
            packets = [packet for part in resampler.resample(frame) for packet in stream.encode(part)]
        else:
            stream = output.add_stream(codec, rate=24)
            stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
            packets = list(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        output.mux(packets)
        output.mux(list(stream.encode(None)))
    return target.getvalue()


def waves() -> bytes:
    target = io.BytesIO()
    with wave.open(target, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(100))
    return target.getvalue()


def tarred() -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("x"))
    return target.getvalue()


def database(folder: Path) -> bytes:
    connection = sqlite3.connect(folder / "x.db")
    connection.execute("create table x (y)")
    connection.close()
    return (folder / "x.db").read_bytes()


def brand(major: bytes, *compatible: bytes) -> bytes:
    body = major + bytes(4) + b"".join(compatible)
    return (len(body) + 8).to_bytes(4, "big") + b"ftyp" + body + b"\x00\x00\x00\x08free"


OFFICE = ("[Content_Types].xml", b"<Types/>"), ("_rels/.rels", b"<Relationships/>")
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SLIDES = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
ODT = "application/vnd.oasis.opendocument.text"


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("JPEG", "image/jpeg"), ("PNG", "image/png"), ("GIF", "image/gif"), ("WEBP", "image/webp"),
        ("TIFF", "image/tiff"), ("BMP", "image/bmp"), ("AVIF", "image/avif"), ("JPEG2000", "image/jp2"),
        ("ICO", "image/vnd.microsoft.icon"), ("PDF", "application/pdf"),
    ],
)  # fmt: skip
def test_pictures_as_they_are_really_written(form: str, expected: str) -> None:
    assert sniff_mime(picture(form)[:HEAD_BYTES], "x.txt") in {expected, expected.replace("jp2", "jpx")}


@pytest.mark.parametrize(
    ("container", "codec", "expected"),
    [
        ("mp4", "mpeg4", "video/mp4"), ("mov", "mpeg4", "video/quicktime"), ("matroska", "mpeg4", "video/x-matroska"),
        ("webm", "libvpx", "video/webm"), ("avi", "mpeg4", "video/x-msvideo"), ("flac", "flac", "audio/flac"),
        ("mp3", "libmp3lame", "audio/mpeg"), ("ogg", "libopus", "audio/ogg"),
        ("ipod", "aac", "audio/mp4"), ("adts", "aac", "audio/aac"), ("wav", "pcm_s16le", "audio/wav"),
        ("mpeg", "mpeg2video", "video/mpeg"), ("flv", "flv", "video/x-flv"),
    ],
)  # fmt: skip
def test_sound_and_film_as_they_are_really_written(container: str, codec: str, expected: str) -> None:
    assert sniff_mime(encoded(container, codec)[:HEAD_BYTES], "x") == expected


@pytest.mark.parametrize(
    ("head", "name", "expected"),
    [
        (zipped(*OFFICE, ("word/document.xml", b"<x/>")), "a.docx", WORD),
        (zipped(*OFFICE, ("word/document.xml", b"<x/>")), "a", WORD),
        (zipped(*OFFICE, ("xl/workbook.xml", b"<x/>")), "a.zip", SHEET),
        (zipped(*OFFICE, ("ppt/presentation.xml", b"<x/>")), "a.pptx", SLIDES),
        (zipped(("mimetype", ODT.encode()), ("content.xml", b"<x/>"), stored=True), "a", ODT),
        (zipped(("mimetype", b"application/epub+zip"), stored=True), "a.odt", "application/epub+zip"),
        (zipped(("mimetype", b"text/html\r\nX: y"), stored=True), "a", "application/zip"),
        (zipped(("photo.jpg", b"x")), "a.docx", "application/zip"),
        (zipped(("META-INF/MANIFEST.MF", b"x")), "a.jar", "application/java-archive"),
        (b"PK\x05\x06" + bytes(18), "empty.zip", "application/zip"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "old.XLS", "application/vnd.ms-excel"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "old", "application/x-ole-storage"),
        (waves(), "a.mp3", "audio/wav"),
        (tarred(), "a", "application/x-tar"),
        (gzip.compress(b"x", mtime=0), "a.gz", "application/gzip"),
        (bz2.compress(b"x"), "a", "application/x-bzip2"),
        (lzma.compress(b"x"), "a", "application/x-xz"),
        (b"\x28\xb5\x2f\xfd\x24\x00\x01\x00\x00", "a", "application/zstd"),
        (b"\x7fELF\x02\x01\x01" + bytes(60), "a.jpg", "application/x-executable"),
        (b"MZ" + bytes(70), "a.png", "application/vnd.microsoft.portable-executable"),
        (b"ID3\x04" + bytes(100), "a", "audio/mpeg"),
        (b"\xff\xfb\x90\x64" + bytes(100), "a", "audio/mpeg"),
        (b"\xff\xfa\x90\x64" + bytes(100), "a", "audio/mpeg"),
        (b"OggS\x00\x02" + bytes(22) + b"\x01\x2a\x80theora", "a.ogg", "video/ogg"),
        (b"wOF2\x00\x01\x00\x00" + bytes(50), "a", "font/woff"),
        (b"8BPS\x00\x01" + bytes(50), "a", "image/vnd.adobe.photoshop"),
        (bytes(128) + b"DICM" + bytes(10), "a", "application/dicom"),
        (b"\xff\x0a\xfa\x07", "a", "image/jxl"),
        (b"II*\x00\x08\x00\x00\x00" + bytes(60), "a.dng", "image/x-adobe-dng"),
        (brand(b"heic", b"mif1"), "a.jpg", "image/heic"),
        (brand(b"mif1", b"mif1", b"heic"), "a", "image/heic"),
        (brand(b"mif1", b"avif"), "a", "image/avif"),
        (brand(b"mif1"), "a", "image/heif"),
        (brand(b"avif"), "a", "image/avif"),
        (brand(b"qt  "), "a.mp4", "video/quicktime"),
        (brand(b"isom", b"avc1"), "a", "video/mp4"),
        (brand(b"iso6"), "song.m4a", "audio/mp4"),
        (brand(b"M4A "), "a", "audio/mp4"),
        (brand(b"3gp5"), "a", "video/3gpp"),
        (brand(b"crx "), "a", "image/x-canon-cr3"),
        (b"\x00\x00\x00\x08wide\x00\x00\x10\x00mdat", "a", "video/quicktime"),
    ],
)
def test_the_bytes_decide_whatever_the_name_says(head: bytes, name: str, expected: str) -> None:
    assert sniff_mime(head, name) == expected


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("hello", "a", "text/plain"), ("hello", "a.jpg", "text/plain"), ("hello", "a.md", "text/markdown"),
        ("a,b\n", "T.CSV", "text/csv"), ('{"a": 1}', "a.json", "application/json"),
        ("x: 1", "a.yml", "application/yaml"),
        ("print()", "a.py", "text/x-python"), ("1\n00:00 --> 00:01\n", "a.srt", "application/x-subrip"),
        ("<!DOCTYPE html><p>", "a.txt", "text/html"), ("  <HTML><b>", "a.jpg", "text/html"),
        ('<svg xmlns="http://www.w3.org/2000/svg"/>', "a.png", "image/svg+xml"),
        ('<?xml version="1.0"?>\n<!-- by x --><!-- and y -->\n<svg/>', "a", "image/svg+xml"),
        ('<?xml version="1.0"?>\n<!DOCTYPE svg PUBLIC "x"><svg/>', "a", "image/svg+xml"),
        ("<?xml version='1.0'?><note/>", "a.md", "application/xml"), ("<?xml version='1.0'?><kml/>", "a.kml",
        "application/vnd.google-earth.kml+xml"), ("<htmlish>", "a", "text/plain"),
        ("%PDF-1.7\n1 0 obj\n", "a.txt", "application/pdf"), ("%!PS-Adobe", "a", "application/postscript"),
        ("{\\rtf1 x}", "a.doc", "application/rtf"), ("WEBVTT\n\n", "a", "text/vtt"),
        ("\x1b[31mred\x1b[0m", "a.log", "text/plain"),
        (" ", "a", "text/plain"), ("BMW builds cars", "a", "text/plain"), ("MZ is a file mark", "a", "text/plain"),
        ("PK", "a", "text/plain"), ("hello", ".json", "text/plain"), ("hello", "x." + "y" * 300, "text/plain"),
    ],
)  # fmt: skip
def test_text_is_told_by_its_bytes_and_named_by_its_extension(text: str, name: str, expected: str) -> None:
    assert sniff_mime(text.encode(), name) == expected
    assert sniff_mime(text.encode("utf-8-sig"), name) == expected
    assert sniff_mime(text.encode("utf-16"), name) == expected


def test_text_in_an_old_encoding_is_text_and_high_bytes_alone_are_not() -> None:
    assert sniff_mime("Übermäßig schöne Wörter und mehr davon".encode("cp1252"), "a.txt") == "text/plain"
    assert sniff_mime(bytes(random.choices(range(128, 256), k=500)), "a.txt") == UNKNOWN


@pytest.mark.parametrize("cut", range(4))
def test_a_character_cut_in_two_at_the_end_of_the_head_is_no_reason_to_call_it_binary(cut: int) -> None:
    data = b"x" * cut + "\N{GRINNING FACE}".encode() * 3000
    assert sniff_mime(data[:HEAD_BYTES], "a") == "text/plain"


def test_nothing_is_empty_and_noise_is_unknown() -> None:
    assert sniff_mime(b"", "a.jpg") == EMPTY
    assert sniff_mime(bytes(1000), "a.jpg") == UNKNOWN
    assert sniff_mime(b"hello\x00world", "a.txt") == UNKNOWN


def test_any_bytes_under_any_name_have_a_wellformed_type() -> None:
    generator = random.Random(7)
    starts = [
        b"",
        b"PK\x03\x04",
        b"RIFF",
        b"\x00\x00\x00\x20ftyp",
        b"\x1a\x45\xdf\xa3",
        b"OggS",
        b"\xff\xd8\xff",
        b"MZ",
    ]
    for _ in range(3000):
        head = generator.choice(starts) + generator.randbytes(generator.choice([0, 1, 3, 30, 300]))
        kind, slash, subtype = sniff_mime(head, generator.choice(["", ".", "a.", "a.zip", "\udcff.txt"])).partition("/")
        assert kind
        assert slash
        assert subtype


def test_a_real_database_is_known(tmp_path: Path) -> None:
    assert sniff_mime(database(tmp_path), "x.jpg") == "application/vnd.sqlite3"


@pytest.mark.parametrize(
    "head",
    [b"<!---->" * 1200, b"<!--" * 2000, b"<?xml " * 1400, b" " * HEAD_BYTES, b"<!doctype " * 800, bytes(HEAD_BYTES)],
)
def test_hostile_heads_cost_no_more_than_others(head: bytes) -> None:
    begin = time.perf_counter()
    for _ in range(20):
        sniff_mime(head, "x")
    assert time.perf_counter() - begin < 0.5


def test_unrecognised_data_costs_microseconds() -> None:
    heads = [os.urandom(HEAD_BYTES) for _ in range(100)]
    best = float("inf")
    for _ in range(10):
        begin = time.perf_counter()
        for head in heads:
            sniff_mime(head, "x.bin")
        best = min(best, (time.perf_counter() - begin) / len(heads))
    assert best < 60e-6
