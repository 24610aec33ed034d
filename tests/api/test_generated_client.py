"""A client that a generator makes of the OpenAPI document works against a served Loom."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from models.home import Home
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.serving import served
from tests.support.settings import PASSWORD

_PACKAGE = "loom_generated"


@pytest.fixture
def generated(client: ApiClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The package that the generator makes; gone from memory afterwards."""
    source, target, settings = (tmp_path / name for name in ("openapi.json", _PACKAGE, "generator.json"))
    source.write_text(json.dumps(client.get("/openapi.json")))
    overrides = dict.fromkeys(
        ("*/*", "application/x-ndjson", "application/offset+octet-stream"), "application/octet-stream"
    )
    settings.write_text(json.dumps({"post_hooks": [], "content_type_overrides": overrides}))
    program = Path(sys.executable).with_name("openapi-python-client")
    command: list[str | Path] = [program, "generate", "--meta", "none", "--fail-on-warning"]
    command += ["--path", source, "--output-path", target, "--config", settings]
    made = subprocess.run(command, check=False, cwd=tmp_path, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module(_PACKAGE)
    for name in [name for name in sys.modules if name.partition(".")[0] == _PACKAGE]:
        del sys.modules[name]


def _call(module: str, **arguments: Any) -> Any:
    return importlib.import_module(f"{_PACKAGE}.api.{module}").sync_detailed(**arguments)


def _model(name: str, /, **values: Any) -> Any:
    return getattr(importlib.import_module(f"{_PACKAGE}.models"), name).from_dict(values)


def test_it_signs_in_and_keeps_tags(generated: ModuleType, platform: Platform, engines: Home, tmp_path: Path) -> None:
    with served("web.wsgi:app", platform.settings, tmp_path / "log") as port:
        address = f"http://127.0.0.1:{port}"
        with generated.Client(base_url=address) as anonymous:
            login = _model("Login", username="admin", password=PASSWORD)
            token = _call("auth.auth_login_post", client=anonymous, body=login).parsed.token
        with generated.AuthenticatedClient(base_url=address, token=token) as client:
            _keep_tags(client)


def _keep_tags(client: Any) -> None:
    made = _call("tags.tags_create_one_post", client=client, body=_model("TagCreate", name="Lisbon")).parsed
    listed = _call("tags.tags_list_elements_get", client=client).parsed
    assert [tag.uuid for tag in listed.data] == [made.uuid]
    read = _call("tags.tags_load_one_get", client=client, element_id=made.uuid).parsed
    assert (read.name, read.status.creator.name) == ("Lisbon", "admin")
    assert _call("tags.tags_delete_tag_delete", client=client, element_id=made.uuid).status_code == 204
    gone = _call("tags.tags_load_one_get", client=client, element_id=made.uuid)
    assert (gone.status_code, gone.parsed.code) == (404, "not-found")
