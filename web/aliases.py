"""Other names of routes, for clients of the reference server (wire contract, section 9): same handler, same answer."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask
from werkzeug.routing import Rule

from web.blueprints import PREFIX

ALIASES: Mapping[str, str] = {
    f"{PREFIX}/login": f"{PREFIX}/auth/login",
    f"{PREFIX}/pools": f"{PREFIX}/asset-pools",
    f"{PREFIX}/binaries": f"{PREFIX}/asset-binaries",
    f"{PREFIX}/locations": f"{PREFIX}/asset-locations",
    f"{PREFIX}/events/ws": f"{PREFIX}/pipelines/events/ws",
    f"{PREFIX}/openapi": f"{PREFIX}/openapi.yaml",
    "/health": f"{PREFIX}/health",
}


def add_aliases(app: Flask) -> None:
    """Give every route at or below a canonical path its other names too."""
    for alias, canonical in ALIASES.items():
        for rule in [rule for rule in app.url_map.iter_rules() if _is_below(rule.rule, canonical)]:
            path = alias + rule.rule.removeprefix(canonical)
            app.url_map.add(Rule(path, endpoint=rule.endpoint, methods=rule.methods, websocket=rule.websocket))


def _is_below(path: str, root: str) -> bool:
    return path == root or path.startswith(f"{root}/")
