"""Formats that share a container with others and say inside which one they are.

`filetype` knows most of them by fixed offsets or brand lists that miss what cameras and office programs write today.
"""

from __future__ import annotations

from collections.abc import Callable

_ZIP_ENTRY = b"PK\x03\x04"
_ODF_MIMETYPE = b"mimetype"
_OFFICE_FOLDERS = {
    b"word/": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    b"xl/": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    b"ppt/": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    b"visio/": "application/vnd.ms-visio.drawing.main+xml",
}
_ZIP_BY_EXTENSION = {
    "docx": _OFFICE_FOLDERS[b"word/"],
    "xlsx": _OFFICE_FOLDERS[b"xl/"],
    "pptx": _OFFICE_FOLDERS[b"ppt/"],
    "docm": "application/vnd.ms-word.document.macroenabled.12",
    "xlsm": "application/vnd.ms-excel.sheet.macroenabled.12",
    "pptm": "application/vnd.ms-powerpoint.presentation.macroenabled.12",
    "epub": "application/epub+zip",
    "jar": "application/java-archive",
    "apk": "application/vnd.android.package-archive",
    "cbz": "application/vnd.comicbook+zip",
    "kmz": "application/vnd.google-earth.kmz",
    "usdz": "model/vnd.usdz+zip",
}
_BRANDS = {
    b"heic": "image/heic", b"heix": "image/heic", b"heim": "image/heic", b"heis": "image/heic",
    b"hevc": "image/heic-sequence", b"hevx": "image/heic-sequence",
    b"avif": "image/avif", b"avis": "image/avif",
    b"qt  ": "video/quicktime",
    b"M4A ": "audio/mp4", b"M4B ": "audio/mp4", b"M4P ": "audio/mp4", b"F4A ": "audio/mp4",
    b"M4V ": "video/x-m4v", b"M4VH": "video/x-m4v", b"M4VP": "video/x-m4v",
    b"crx ": "image/x-canon-cr3", b"jp2 ": "image/jp2", b"jpx ": "image/jpx",
}  # fmt: skip
_ISO_ATOMS = {b"ftyp", b"moov", b"mdat", b"wide", b"pnot", b"free", b"skip"}
_RIFF = {
    b"WAVE": "audio/wav",
    b"AVI ": "video/x-msvideo",
    b"WEBP": "image/webp",
    b"RMID": "audio/midi",
    b"ACON": "application/x-navi-animation",
}
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLE_BY_EXTENSION = {
    "doc": "application/msword",
    "dot": "application/msword",
    "xls": "application/vnd.ms-excel",
    "ppt": "application/vnd.ms-powerpoint",
    "pps": "application/vnd.ms-powerpoint",
    "msg": "application/vnd.ms-outlook",
    "msi": "application/x-msi",
    "vsd": "application/vnd.visio",
    "pub": "application/x-mspublisher",
}
_EBML = b"\x1a\x45\xdf\xa3"


def look_inside(head: bytes, extension: str) -> str | None:
    """Name the type of a file in one of these containers; None for all others."""
    if head[4:8] in _ISO_ATOMS:
        return _iso_media(head)
    look = _CONTAINERS.get(head[:4])
    return look(head, extension) if look else None


def _iso_media(head: bytes) -> str | None:
    """Read the brands of an ISO base media file. Source: ISO/IEC 14496-12, section 4.3."""
    if head[4:8] != b"ftyp":
        return "video/quicktime"
    length = int.from_bytes(head[:4], "big")
    major = head[8:12]
    if major in _BRANDS:
        return _BRANDS[major]
    if major.startswith((b"3gp", b"3g2")):
        return "video/3gpp2" if major.startswith(b"3g2") else "video/3gpp"
    if major in {b"mif1", b"msf1", b"miaf"}:
        compatible = {head[at : at + 4] for at in range(16, min(length, len(head)), 4)}
        named = [_BRANDS[brand] for brand in (b"avif", b"heic", b"heix") if brand in compatible]
        return named[0] if named else "image/heif"
    return "video/mp4"


def _zip(head: bytes, extension: str) -> str:
    """Look at the first entries: ODF and EPUB begin with their type, Office Open XML with folders of its own."""
    if head[30:38] == _ODF_MIMETYPE:
        length = int.from_bytes(head[18:22], "little")
        start = 38 + int.from_bytes(head[28:30], "little")
        declared = head[start : start + length].strip()
        if declared.startswith(b"application/") and declared.isascii() and declared.decode().isprintable():
            return declared.decode().lower()
    if b"[Content_Types].xml" in head or b"_rels/" in head:
        if extension in _ZIP_BY_EXTENSION:
            return _ZIP_BY_EXTENSION[extension]
        for folder, mime_type in _OFFICE_FOLDERS.items():
            if folder in head:
                return mime_type
    if extension in {"jar", "apk", "cbz", "kmz", "usdz"}:
        return _ZIP_BY_EXTENSION[extension]
    return "application/zip"


def _riff(head: bytes, _: str) -> str | None:
    return _RIFF.get(head[8:12])


def _ogg(head: bytes, _: str) -> str:
    return "video/ogg" if b"\x80theora" in head[:512] else "audio/ogg"


def _matroska(head: bytes, extension: str) -> str | None:
    if b"webm" in head[:64]:
        return "audio/webm" if extension == "weba" else "video/webm"
    if b"matroska" in head[:64]:
        return "audio/x-matroska" if extension == "mka" else "video/x-matroska"
    return None


def _ole(head: bytes, extension: str) -> str | None:
    if not head.startswith(_OLE):
        return None
    return _OLE_BY_EXTENSION.get(extension, "application/x-ole-storage")


def _form(head: bytes, _: str) -> str | None:
    return "audio/aiff" if head[8:12] in {b"AIFF", b"AIFC"} else None


# By the first four bytes: a look into a table, for nearly all files are none of these.
_CONTAINERS: dict[bytes, Callable[[bytes, str], str | None]] = {
    _ZIP_ENTRY: _zip,
    b"RIFF": _riff,
    b"RF64": _riff,
    b"BW64": _riff,
    b"FORM": _form,
    b"OggS": _ogg,
    _EBML: _matroska,
    _OLE[:4]: _ole,
}
