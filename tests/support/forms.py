"""Files on their way to the API and back, as clients send and load them."""

from __future__ import annotations

from typing import Any

from werkzeug.test import TestResponse

from tests.support.client import ApiClient


def fetch(client: ApiClient, path: str, **options: Any) -> TestResponse:
    """Download as a server would: to the end, and then closed."""
    return client.request("GET", path, buffered=True, **options)


def json_of(answer: TestResponse) -> dict[str, Any]:
    content: dict[str, Any] = answer.get_json()
    return content


def form(*parts: tuple[str, str | None, bytes]) -> tuple[bytes, str]:
    """Make a multipart form of (name, file name, content); gives it with its type."""
    body = b""
    for name, filename, content in parts:
        named = f'; filename="{filename}"' if filename is not None else ""
        body += f'--XX\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode() + content + b"\r\n"
    return body + b"--XX--\r\n", "multipart/form-data; boundary=XX"


def send_form(client: ApiClient, path: str, *parts: tuple[str, str | None, bytes], **options: Any) -> TestResponse:
    """Send a multipart form of (name, file name, content)."""
    body, kind = form(*parts)
    return client.request("POST", path, body, headers={"Content-Type": kind, **options.pop("headers", {})}, **options)
