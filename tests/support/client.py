"""The API as tests speak to it: JSON in, JSON out, and every error in the shape that was promised."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, cast

from flask import Flask
from werkzeug.test import TestResponse

PREFIX = "/api/v1"


class Answer(TestResponse):
    """An answer whose body is taken for the JSON that it should be."""

    @property
    def json(self) -> Any:
        return super().json


@dataclass
class ApiClient:
    """One signed-in caller. Paths are relative to `/api/v1` unless they name it."""

    app: Flask
    token: str | None = None

    def request(
        self, method: str, path: str, body: Any = None, *, expect: int | None = None,
        headers: dict[str, str] | None = None, **options: Any,
    ) -> Answer:  # fmt: skip
        """Send a request; anything but bytes is sent as JSON."""
        given = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if body is not None and not isinstance(body, bytes):
            body, given["Content-Type"] = json.dumps(body).encode(), "application/json"
        caller = self.app.test_client(use_cookies=False)
        headers = {**given, **(headers or {})}
        answer = cast("Answer", caller.open(_full(path), method=method, data=body, headers=headers, **options))
        require_error_shape(answer)
        if expect is not None:
            assert answer.status_code == expect, (answer.status_code, answer.get_data(as_text=True)[:2000])
        return answer

    def get(self, path: str, *, expect: int = 200, **options: Any) -> Any:
        """Load a JSON body; parameters go into `query_string`."""
        return self.request("GET", path, expect=expect, **options).json

    def post(self, path: str, body: Any = None, *, expect: int = 200, **options: Any) -> Any:
        """Send a body and give the one that answers it."""
        return self.request("POST", path, body, expect=expect, **options).json

    def patch(self, path: str, body: Any, *, expect: int = 200, **options: Any) -> Any:
        """Change something."""
        return self.request("PATCH", path, body, expect=expect, **options).json

    def delete(self, path: str, *, expect: int = 204, **options: Any) -> None:
        """Delete something."""
        self.request("DELETE", path, expect=expect, **options)

    def all(self, path: str, **query: Any) -> list[Any]:
        """Load a whole list, page by page, as the Python client does."""
        elements: list[Any] = []
        while True:
            page = self.get(path, query_string=query)
            elements += page["data"]
            if not page["data"] or page["_metainfo"]["lastUuid"] == query.get("from"):
                return elements
            query["from"] = page["_metainfo"]["lastUuid"]

    def anonymous(self) -> ApiClient:
        """The same application, not signed in."""
        return ApiClient(self.app)


def require_error_shape(answer: TestResponse) -> None:
    """Check what must hold of every error."""
    if answer.status_code >= 400 and answer.request.method != "HEAD":
        content = answer.get_json()
        assert content["statusCode"] == answer.status_code
        assert isinstance(content["message"], str)
        assert content["message"]
    assert answer.headers["X-Trace-Id"]


def _full(path: str) -> str:
    return path if path.startswith((PREFIX, "/health", "/metrics")) else PREFIX + path
