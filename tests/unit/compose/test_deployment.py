"""The files of deployment: they can be read, name what there is, and hold what was promised."""

from __future__ import annotations

import json
import re
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from compose.cli import main
from compose.probe import PROBES
from models.queues import is_queue
from models.settings import Settings
from tests.support.metric_names import metric_names

_COMPOSE = Path(__file__).parents[3] / "compose"
_METRIC = re.compile(r"\bloom_[a-z0-9_]+")


def _stack() -> Any:
    return yaml.safe_load((_COMPOSE / "docker/compose.yaml").read_text())


def _targets() -> set[str]:
    return set(re.findall(r"^FROM base AS (\S+)", (_COMPOSE / "docker/Dockerfile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("file", ["alerts.yml", "dashboard.json"])
def test_every_metric_that_is_watched_exists(file: str) -> None:
    text = (_COMPOSE / "monitoring" / file).read_text()
    wanted = set(_METRIC.findall(text))
    assert wanted <= metric_names()
    assert len(wanted) > 10
    assert yaml.safe_load(text)


def test_the_dashboard_shows_each_panel_in_a_place_of_its_own() -> None:
    panels = json.loads((_COMPOSE / "monitoring/dashboard.json").read_text())["panels"]
    assert len({(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}) == len(panels)
    assert all(panel["targets"][0]["expr"] for panel in panels)


def test_the_stack_has_every_process_and_each_has_a_target() -> None:
    services = _stack()["services"]
    built = {name: service["build"]["target"] for name, service in services.items() if "build" in service}
    assert set(built.values()) == _targets() == {"migrate", "web", "worker", "indexer", "scheduler"}
    queues = [queue for name, service in services.items() if name.startswith("worker")
              for queue in service["command"][1].split(",")]  # fmt: skip
    assert all(map(is_queue, queues))
    assert {*queues, "index"} >= {"interactive", "webhooks", "hash", "bulk", "media", "maintenance"}
    assert {name: service["deploy"]["replicas"] for name, service in services.items() if "deploy" in service} == {
        "web": 2, "scheduler": 2, "worker-webhooks": 2,
    }  # fmt: skip


def test_containers_may_do_no_more_than_they_must() -> None:
    for name, service in _stack()["services"].items():
        if "build" in service:
            assert service["read_only"], name
            assert service["cap_drop"] == ["ALL"], name
    dockerfile = (_COMPOSE / "docker/Dockerfile").read_text()
    assert "\nUSER loom\n" in dockerfile
    assert dockerfile.count("HEALTHCHECK") == 4


def test_settings_and_secrets_are_those_that_there_are() -> None:
    known = {f"LOOM_{name.upper()}" for name in Settings.model_fields}
    text = (_COMPOSE / "docker/compose.yaml").read_text() + (_COMPOSE / "docker/Dockerfile").read_text()
    assert set(re.findall(r"\bLOOM_[A-Z_]+", text)) <= known
    asked = set(re.findall(r"\$\{([A-Z0-9_]+)", text))
    told = set(re.findall(r"^([A-Z0-9_]+)=", (_COMPOSE / "docker/.env.example").read_text(), re.MULTILINE))
    assert asked == told


def test_commands_of_images_and_units_exist() -> None:
    dockerfile = (_COMPOSE / "docker/Dockerfile").read_text()
    units = sorted((_COMPOSE / "systemd").glob("*.service"))
    started = [
        match for unit in units for match in re.findall(r"^ExecStart=\S+/loom (\S+)", unit.read_text(), re.MULTILINE)
    ]
    started += re.findall(r'"loom", "([a-z]+)"', dockerfile)
    assert len(started) > len(units) > 0
    assert set(started) <= set(main.list_commands(main.make_context("loom", ["--help"], resilient_parsing=True)))
    assert set(re.findall(r'"probe", "--([a-z]+)"', dockerfile)) <= PROBES.keys()


def test_the_target_wants_units_that_there_are() -> None:
    files = {file.name for file in (_COMPOSE / "systemd").iterdir()}
    wanted = re.findall(r"loom-\S+\.service", (_COMPOSE / "systemd/loom.target").read_text())
    assert {re.sub(r"@[^.]+", "@", name) for name in wanted} | {"loom-migrate.service", "loom.target"} == files


def test_units_are_sound() -> None:
    for unit in (_COMPOSE / "systemd").glob("*.service"):
        parser = ConfigParser(strict=False, interpolation=None)
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        parser.read_string(unit.read_text())
        assert parser["Service"]["User"] == "loom", unit.name
        assert parser["Service"]["ExecStart"].startswith("/opt/loom/bin/loom "), unit.name
