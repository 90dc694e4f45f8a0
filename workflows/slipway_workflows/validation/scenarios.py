"""Reads scenarios: a file, or all of a directory. Everything is checked here, before anything runs."""

import json
from collections.abc import Collection, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.unique_names import unique_names
from slipway_steps.domain.validation import DIGITS, SYNTHETIC, Bounds, E2ETestScenario
from slipway_workflows.engine.manifests.yaml_reader import parse_documents, read_text

SUFFIXES = (".yaml", ".yml", ".json")
FIELDS = [name for name in E2ETestScenario.model_fields if name != "directory"]
BOUNDS = list(Bounds.model_fields)
HELP = "see docs/operations.md"


def discover(directory: Path) -> list[E2ETestScenario]:
    """The scenarios of a directory, by the names of their files. Argo's objects among the files are pipelines.

    Raises BadInput, in one line, for the first file that is no scenario, two of one name, and where there is none.
    """
    if not directory.is_dir():
        raise BadInput(f"{directory} is not a directory", "name the directory of the scenarios")
    files = sorted(path for path in directory.iterdir() if path.suffix in SUFFIXES and path.is_file())
    found = [(path, told) for path in files if not _is_pipeline(told := _document(path))]
    scenarios = [_scenario(path, told) for path, told in found]
    if not scenarios:
        raise BadInput(f"{directory} holds no scenario", f"a scenario is a YAML or JSON file; {HELP}")
    names: dict[str, Path] = {}
    for (path, _), scenario in zip(found, scenarios, strict=True):
        if (first := names.setdefault(scenario.scenario_name, path)) != path:
            raise BadInput(f"{path} and {first} have the same scenario_name {scenario.scenario_name!r}", "rename one")
    return scenarios


def read_scenario(path: Path) -> E2ETestScenario:
    """The scenario of a file. Raises BadInput, in one line with the nearest name, where it cannot be used."""
    if path.suffix not in SUFFIXES:
        raise BadInput(f"{path} is no scenario", f"a scenario is a file {', '.join(SUFFIXES)}, or a directory of them")
    told = _document(path)
    if _is_pipeline(told):
        raise BadInput(f"{path} is an Argo object, no scenario", "name it in a scenario's pipeline_config_path")
    return _scenario(path, told)


def nearest(name: str, known: Collection[str]) -> str:
    """A hint with the nearest known name, else with all of them."""
    found = get_close_matches(name.lower(), known, n=1, cutoff=0.6)
    return f"did you mean {found[0]}?" if found else f"known: {', '.join(known)}"


def _document(path: Path) -> Any:
    if not _is_inside(path.parent, path.name):
        raise BadInput(f"{path} is a link that leads out of its directory", "copy the file to here; it was not read")
    text = read_text(path)
    if path.suffix == ".json":
        try:
            return json.loads(text, object_pairs_hook=unique_names)
        except (ValueError, RecursionError) as error:
            raise BadInput(f"{path} is not JSON: {str(error)[:200]}", HELP) from error
    documents = [value for value, _ in parse_documents(text, str(path))]
    if len(documents) > 1 and not all(map(_is_pipeline, documents)):
        raise BadInput(f"{path} holds {len(documents)} documents", "write each scenario to a file of its own")
    return documents[0] if documents else None


def _is_pipeline(told: Any) -> bool:
    return isinstance(told, dict) and "apiVersion" in told and "kind" in told


def _scenario(path: Path, told: Any) -> E2ETestScenario:
    if not isinstance(told, dict):
        raise BadInput(f"{path} is no scenario", f"a scenario is a map of {', '.join(FIELDS)}; {HELP}")
    for place, name, known in _names(told):
        if name not in known:
            raise BadInput(f"{path}: unknown field {place}{name}", nearest(name, known))
    try:
        scenario = E2ETestScenario.model_validate({**told, "directory": path.parent.absolute()})
    except ValidationError as error:
        raise BadInput(f"{path}: {'; '.join(_fault(one) for one in error.errors())}", HELP) from error
    _check_paths(path, scenario)
    return scenario


def _names(told: dict[str, Any]) -> Iterator[tuple[str, str, list[str]]]:
    """Each field that is given: its place, its name, and the names that are known there."""
    yield from (("", name, FIELDS) for name in told)
    rules = told.get("validation_rules")
    for rule, bounds in rules.items() if isinstance(rules, dict) else ():
        for name in bounds if isinstance(bounds, dict) else ():
            yield f"validation_rules.{rule}.", name, BOUNDS


def _fault(error: Any) -> str:
    place = ".".join(str(part) for part in error["loc"])
    message = " ".join(error["msg"].removeprefix("Value error, ").split())
    return f"{place}: {message}" if place else message


def _check_paths(path: Path, scenario: E2ETestScenario) -> None:
    """The pipeline lies beside the scenario; data may lie elsewhere if its path is absolute, which nobody overlooks."""
    directory = scenario.directory
    if is_file(scenario):
        _inside(path, "pipeline_config_path", directory, scenario.pipeline_config_path)
        file = directory / scenario.pipeline_config_path
        if not file.is_file():
            there = sorted(str(one.relative_to(directory)) for one in directory.glob("**/*.y*ml"))[:100]
            raise BadInput(f"{path}: there is no pipeline {file}", nearest(scenario.pipeline_config_path, there))
    if scenario.data_source in (SYNTHETIC, DIGITS):
        return
    if not Path(scenario.data_source).is_absolute():
        _inside(path, "data_source", directory, scenario.data_source)
    if not (directory / scenario.data_source).is_dir():
        raise BadInput(
            f"{path}: data_source {scenario.data_source} is no directory", f"or give {SYNTHETIC} or {DIGITS}"
        )


def _is_inside(directory: Path, given: str) -> bool:
    try:
        return (directory / given).resolve().is_relative_to(directory.resolve())
    except (OSError, ValueError, RuntimeError):  # a null byte, a loop of links
        return False


def _inside(path: Path, name: str, directory: Path, given: str) -> None:
    if not _is_inside(directory, given):
        raise BadInput(f"{path}: {name} {given!r} lies outside of the directory of the scenario", "move it into that")


def is_file(scenario: E2ETestScenario) -> bool:
    """Whether the pipeline of a scenario is a file, and not a name of the catalog."""
    given = scenario.pipeline_config_path
    return "/" in given or given.endswith(SUFFIXES)
