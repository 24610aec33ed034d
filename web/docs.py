"""The page at `/docs` that shows the API: Swagger UI from its package, so it works without any network."""

from __future__ import annotations

from pathlib import Path

from flask import Flask, Response, send_from_directory
from swagger_ui_bundle import swagger_ui_path
from werkzeug.exceptions import NotFound

from web.auth import open_to_all
from web.blueprints import PREFIX

_FILES = frozenset({"swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"})
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Loom API</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<div id="loom-api"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/show.js"></script>
</html>
"""
_SCRIPT = f"""SwaggerUIBundle({{
  url: "{PREFIX}/openapi.json", dom_id: "#loom-api", deepLinking: true, persistAuthorization: true, docExpansion: "none"
}});
"""
_POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"
_KEPT_SECONDS = 24 * 3600


def serve_docs(app: Flask) -> None:
    """Serve the page and the few files that it needs."""

    @app.get("/docs")
    @open_to_all
    def show_docs() -> Response:
        return _answer(_PAGE, "text/html")

    @app.get("/docs/show.js")
    @open_to_all
    def show_script() -> Response:
        return _answer(_SCRIPT, "text/javascript")

    @app.get("/docs/<name>")
    @open_to_all
    def load_docs_file(name: str) -> Response:
        if name not in _FILES:
            raise NotFound
        return send_from_directory(Path(swagger_ui_path), name, max_age=_KEPT_SECONDS)


def _answer(text: str, kind: str) -> Response:
    answer = Response(text, content_type=f"{kind}; charset=utf-8")
    answer.headers["Content-Security-Policy"] = _POLICY
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer
