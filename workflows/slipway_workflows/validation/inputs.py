"""What the given paths hold: charts, manifests, Dockerfiles, compose files and workflows of GitHub."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slipway_steps.domain.errors import BadInput
from slipway_workflows.engine.manifests.yaml_reader import CurrentLoader, parse_documents, read_text
from slipway_workflows.findings.lines import lines_of
from slipway_workflows.validation.chart import Chart, read_values
from slipway_workflows.validation.objects import KubeObject, each
from slipway_workflows.validation.places import FilePlace, chunks, waivers_in

DOCKERFILE = re.compile(r"^(?:Dockerfile|Containerfile)(?:\..+)?$|\.[Dd]ockerfile$")
COMPOSE = re.compile(r"^(?:docker-)?compose(?:[.-].*)?\.ya?ml$")
YAML = (".yaml", ".yml")
PASSED_OVER = {"node_modules", "__pycache__"}
KINDS = "a chart, Kubernetes manifests, a Dockerfile, a compose file or a workflow of GitHub"


@dataclass
class YamlFile:
    """A file that has one map. place: with its lines and waivers."""

    value: dict[str, Any]
    place: FilePlace


@dataclass
class Inputs:
    """All that is validated together. dockerfiles: file -> text."""

    charts: list[Chart] = field(default_factory=list)
    objects: list[KubeObject] = field(default_factory=list)
    dockerfiles: dict[str, str] = field(default_factory=dict)
    composes: list[YamlFile] = field(default_factory=list)
    workflows: list[YamlFile] = field(default_factory=list)

    def __str__(self) -> str:
        counted = (
            (len(self.objects), "object"),
            (len(self.dockerfiles), "Dockerfile"),
            (len(self.composes), "compose file"),
            (len(self.workflows), "workflow"),
        )
        return ", ".join(f"{number} {name}{'' if number == 1 else 's'}" for number, name in counted if number)


def read(paths: Sequence[Path], values: Sequence[Path]) -> Inputs:
    """What the paths hold; a directory stands for all that is in it. values: files of values, for the charts.

    Raises BadInput, in one line, for what cannot be read, is none of it, or is empty.
    """
    found = Inputs()
    given = [read_values(path) for path in values]
    for path in paths:
        before = str(found)
        if not path.exists():
            raise BadInput(f"{path} does not exist", f"give {KINDS}, or a directory of them")
        if (path / "Chart.yaml").is_file():
            found.charts.append(Chart(path, given))
        elif path.is_dir():
            _directory(path, found, given)
            if str(found) == before and not any(path in chart.path.parents for chart in found.charts):
                raise BadInput(f"{path} holds nothing to validate", f"give {KINDS}")
        elif not _file(path, found):
            raise BadInput(f"{path} is nothing that can be validated", f"give {KINDS}")
    if values and not found.charts:
        raise BadInput(f"{values[0]} was given as values, and no chart", "give the directory of the chart")
    for chart in found.charts:
        found.objects += chart.objects()
    return found


def _directory(directory: Path, found: Inputs, given: Sequence[Any]) -> None:
    for root, inner, files in os.walk(directory):
        here = Path(root)
        if (here / "Chart.yaml").is_file():
            found.charts.append(Chart(here, given))
            inner.clear()
            continue
        inner[:] = sorted(n for n in inner if n not in PASSED_OVER and (not n.startswith(".") or n == ".github"))
        for name in sorted(files):
            _file(here / name, found)


def _file(path: Path, found: Inputs) -> bool:
    """Add what a file holds; False where it is nothing of ours."""
    if DOCKERFILE.search(path.name):
        found.dockerfiles[str(path)] = read_text(path)
        return True
    if path.suffix not in YAML:
        return False
    text = read_text(path)
    if COMPOSE.match(path.name) or ".github/workflows" in path.resolve().as_posix():
        kind = found.composes if COMPOSE.match(path.name) else found.workflows
        kind += _maps(path, text)
        return True
    objects = [one for part in parse_documents(text, str(path)) for one in _objects(path, text, *part)]
    found.objects += objects
    if objects:
        return True
    if not all(isinstance(value, dict) for value, _ in parse_documents(text, str(path), CurrentLoader)):
        return False
    for one in _maps(path, text):
        if "services" in one.value:
            found.composes.append(one)
        elif {"on", "jobs"} <= set(one.value):
            found.workflows.append(one)
        else:
            return False
        return True
    return False


def _maps(path: Path, text: str) -> Iterator[YamlFile]:
    for value, node in parse_documents(text, str(path), CurrentLoader):
        if not isinstance(value, dict):
            raise BadInput(f"{path} is neither a compose file nor a workflow: it is no map", f"give {KINDS}")
        yield YamlFile(value, FilePlace(str(path), dict(lines_of(node)), waivers_in(text, str(path)), text))


def _objects(path: Path, text: str, value: Any, node: Any) -> Iterator[KubeObject]:
    if not isinstance(value, dict) or not isinstance(value.get("kind"), str) or "apiVersion" not in value:
        return
    first = node.start_mark.line + 1
    part = [body for line, body in chunks(text) if line <= first][-1]
    place = FilePlace(str(path), dict(lines_of(node)), waivers_in(part, str(path)))
    yield from each(value, place)
