"""Charts: what Helm renders them to, and which line of a template or of the values a field comes from."""

import contextlib
import copy
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from slipway_steps.domain.errors import BadInput
from slipway_workflows.engine.manifests.yaml_reader import parse_documents, read_text
from slipway_workflows.findings.lines import FieldPath, lines_of
from slipway_workflows.validation.objects import KubeObject, each
from slipway_workflows.validation.places import chunks, waivers_in
from slipway_workflows.validation.template_lines import template_lines

MOST_TRIED = 20
"""The most values that are tried, for one field, as the one that it comes from."""

LONGEST_NAME = 53
"""The longest name that Helm gives a release."""


@dataclass(frozen=True)
class ValuesFile:
    """A file of values. lines: line of each value by its path."""

    file: str
    values: dict[str, Any]
    lines: dict[FieldPath, int]


def read_values(path: Path) -> ValuesFile:
    """A file of values. Raises BadInput where it cannot be read or is no map."""
    found = list(parse_documents(read_text(path), str(path)))
    if not found:
        return ValuesFile(str(path), {}, {})
    loaded, node = found[0]
    if not isinstance(loaded, dict) or len(found) > 1:
        raise BadInput(f"{path} is no file of values", "give one YAML map")
    return ValuesFile(str(path), loaded, dict(lines_of(node)))


def merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Values over values, as Helm lays them over each other."""
    both = {key: merged(below[key], above[key]) for key in below.keys() & above.keys() if _maps(below, above, key)}
    return {**below, **above, **both}


@contextlib.contextmanager
def _stderr_closed() -> Iterator[None]:
    """Helm's library writes a line on stderr for each symbolic link of a chart, and knows no way to leave it."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _maps(below: dict[str, Any], above: dict[str, Any], key: str) -> bool:
    return isinstance(below[key], dict) and isinstance(above[key], dict)


@dataclass
class Chart:
    """A chart in a directory, with the values that are given for it."""

    path: Path
    given: Sequence[ValuesFile] = ()
    values: dict[str, Any] = field(init=False)
    _lines: dict[str, list[int]] = field(default_factory=dict)
    _tried: dict[FieldPath, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.values = {}
        for file in self.given:
            self.values = merged(self.values, file.values)

    @cached_property
    def texts(self) -> dict[str, str]:
        """Template -> what it renders to. Raises BadInput where Helm refuses the chart or the values."""
        return self.render(self.values)

    @property
    def namespace(self) -> str:
        """The namespace of the release, and its name: those of the chart."""
        name = re.sub(r"[^a-z0-9]+", "-", self.path.resolve().name.lower()).strip("-")
        return name[:LONGEST_NAME].strip("-") or "release"

    def render(self, values: dict[str, Any]) -> dict[str, str]:
        """Template -> what it renders to with these values. Raises BadInput where Helm refuses them."""
        try:
            import helm_python
        except ModuleNotFoundError as error:
            message = f"chart {self.path} cannot be rendered: helm-python-sdk is not installed"
            raise BadInput(message, "pip install 'slipway[platform]'") from error
        try:
            with _stderr_closed(), helm_python.Chart.load(self.path) as loaded:
                found: dict[str, str] = loaded.render(values=values, name=self.namespace, namespace=self.namespace)
        except helm_python.HelmError as error:
            reason = " ".join(str(error).split())
            raise BadInput(
                f"chart {self.path} does not render: {reason}", "correct the chart, or its values"
            ) from error
        return {name: text for name, text in found.items() if not name.endswith("NOTES.txt") and text.strip()}

    def objects(self) -> list[KubeObject]:
        """What it renders to. Raises BadInput where that is nothing, or no object."""
        found: list[KubeObject] = []
        for name, text in self.texts.items():
            parts = chunks(text)
            for loaded, node in parse_documents(text, f"{self.path}: {name}"):
                first = node.start_mark.line + 1
                at = max(index for index, (line, _) in enumerate(parts) if line <= first)
                if not isinstance(loaded, dict) or not isinstance(loaded.get("kind"), str):
                    raise BadInput(f"{self.path}: {name} renders to something without a kind", "correct the template")
                source = self.path.joinpath(*Path(name).parts[1:])
                place = ChartPlace(self, name, str(source), at, dict(lines_of(node)), waivers_in(parts[at][1], name))
                found += each(loaded, place, self.namespace)
        if not found:
            raise BadInput(f"chart {self.path} renders nothing with these values", "give those of a release by -f")
        return found

    @cached_property
    def _effective(self) -> dict[str, Any]:
        return merged(self._own.values, self.values)

    @cached_property
    def _own(self) -> ValuesFile:
        file = self.path / "values.yaml"
        return read_values(file) if file.is_file() else ValuesFile(str(file), {}, {})

    def origin(self, template: str, chunk: int, path: FieldPath) -> tuple[str, int] | None:
        """File and line of the value that a rendered field comes from; None where it comes from no single one.

        A value is its origin if the field has that value and is another one when the value is.
        """
        now = _field(self.texts[template], chunk, path)
        same = [at for at, value in _walk(self._effective) if _equal(value, now)]
        for at in same[:MOST_TRIED]:
            then = _field(self._with_another(at).get(template, ""), chunk, path)
            if then is not None and then != now:
                holders = [file for file in reversed(self.given) if at in file.lines] or [self._own]
                return holders[0].file, holders[0].lines.get(at, 1)
        return None

    def _with_another(self, at: FieldPath) -> dict[str, str]:
        """What the chart renders to with another value at a path; {} where that cannot be."""
        if at not in self._tried:
            changed = copy.deepcopy(self.values)
            try:
                self._tried[at] = self.render(changed) if _change(changed, self._effective, at) else {}
            except BadInput:
                self._tried[at] = {}
        return self._tried[at]

    def template_line(self, template: str, source: str, line: int) -> int:
        """The line of a template that a rendered line comes from, as near as can be known."""
        if template not in self._lines:
            file = Path(source)
            own = read_text(file).splitlines() if file.is_file() else []
            self._lines[template] = template_lines(own, self.texts[template].splitlines())
        known = self._lines[template]
        return known[line - 1] if 0 < line <= len(known) else 1


@dataclass(frozen=True)
class ChartPlace:
    """An object that a chart renders. chunk: which document of the rendered template. See `objects.Place`."""

    chart: Chart
    template: str
    source: str
    chunk: int
    lines: dict[FieldPath, int]
    waivers: dict[str, str]

    def at(self, path: FieldPath) -> tuple[str, int]:
        """The value that the field comes from, else the line of the template."""
        if path in self.lines and (origin := self.chart.origin(self.template, self.chunk, path)):
            return origin
        while path and path not in self.lines:
            path = path[:-1]
        return self.source, self.chart.template_line(self.template, self.source, self.lines.get(path, 1))


def _field(text: str, chunk: int, path: FieldPath) -> Any:
    """A field of one document of a rendered text; None where there is none."""
    parts = chunks(text)
    try:
        (loaded, _), *_more = parse_documents(parts[chunk][1], "") if chunk < len(parts) else [(None, None)]
    except (BadInput, ValueError):
        return None
    for key in path:
        if isinstance(loaded, dict):
            loaded = loaded.get(key)
        elif isinstance(loaded, list) and isinstance(key, int) and key < len(loaded):
            loaded = loaded[key]
        else:
            return None
    return loaded


def _walk(values: Any, path: FieldPath = ()) -> Iterator[tuple[FieldPath, Any]]:
    if isinstance(values, dict):
        for key, value in values.items():
            yield (*path, key), value
            yield from _walk(value, (*path, key))
    elif isinstance(values, list):
        for index, value in enumerate(values):
            yield (*path, index), value
            yield from _walk(value, (*path, index))


def _equal(value: Any, field: Any) -> bool:
    if isinstance(value, dict | list) or isinstance(field, dict | list):
        return bool(value) and bool(value == field)
    return value not in (None, "") and str(value) == str(field)


def _change(values: dict[str, Any], effective: dict[str, Any], path: FieldPath) -> bool:
    """Give the value at a path another one; False where there is none to change. effective: with the chart's own."""
    inside: Any = values
    known: Any = effective
    for key in path[:-1]:
        known = known[key]
        if isinstance(inside, dict) and key not in inside:
            inside[key] = copy.deepcopy(known)
        inside = inside[key]
    changed = _other(known[path[-1]])
    if changed is None:
        return False
    inside[path[-1]] = changed
    return True


def _other(value: Any) -> Any:
    """Another value of the same form; None where there is none."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str):
        return f"{value}1"
    items = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else [])
    for key, inner in items:
        if (changed := _other(inner)) is not None:
            whole = copy.deepcopy(value)
            whole[key] = changed
            return whole
    return None
