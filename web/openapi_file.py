"""`python -m web.openapi_file PATH` writes the OpenAPI document to a file, spelt so that versions can be compared."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from web.blueprints import PREFIX


def spell(document: dict[str, Any]) -> str:
    """Spell the document, always alike."""
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def main(path: str) -> None:
    """Write the document of the application that is served."""
    from web.wsgi import app  # noqa: PLC0415 - it opens engines when it is imported

    document = app.test_client().get(f"{PREFIX}/openapi.json").get_json()
    Path(path).write_text(spell(document), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
