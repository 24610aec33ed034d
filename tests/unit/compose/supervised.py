"""A supervisor as a process of its own, since it reaps every child of its process: run by `conftest.py`.

Arguments: stages of programs as JSON, and the policy. A program's `code` is Python; `ready_file` must exist for it to
be ready. With a home as third argument, its engines are the first stage.
"""

import json
import sys
from pathlib import Path

from compose.children import Program
from compose.console import Console
from compose.engines import EmbeddedPostgres, EmbeddedRedis
from compose.supervisor import Policy, Supervisor
from models.home import Home


def make_program(spec: dict[str, str]) -> Program:
    ready_file = Path(spec.get("ready_file", "/"))
    return Program(
        name=spec["name"],
        command=(sys.executable, "-u", "-c", spec["code"]),
        one_shot=bool(spec.get("one_shot")),
        is_ready=ready_file.exists,
        ready_timeout_seconds=20,
    )


def main() -> int:
    stages = [[make_program(spec) for spec in stage] for stage in json.loads(sys.argv[1])]
    for path in sys.argv[3:]:
        home = Home(Path(path))
        stages.insert(0, [EmbeddedPostgres(home, {"fsync": "off"}).program(), EmbeddedRedis(home).program()])
    console = Console(tuple(program.name for stage in stages for program in stage))
    code = Supervisor(stages, console, Policy(**json.loads(sys.argv[2]))).run(lambda: "everything is up")
    console.close()
    return code


if __name__ == "__main__":
    sys.exit(main())
