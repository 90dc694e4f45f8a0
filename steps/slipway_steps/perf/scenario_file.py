"""Reads a file of scenarios: one JSON object, or a list of them."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any, NoReturn

from pydantic import ValidationError

from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.nearest import nearest
from slipway_steps.domain.perf_scenario import PerfScenario, ResourceLimits
from slipway_steps.domain.unique_names import unique_names

FIELDS = [field.alias or name for name, field in PerfScenario.model_fields.items()]
LIMIT_FIELDS = [field.alias or name for name, field in ResourceLimits.model_fields.items()]


def read_scenarios(path: Path, modes: Collection[str], target: str | None = None) -> list[PerfScenario]:
    """The scenarios of a file. `modes`: the names of all modes, those of other packages included. `target`: instead of
    the scenarios' own. For target kfp, a pipeline in a directory `argo` is its counterpart in a directory `kfp` beside
    it, where there is one.

    Raises BadInput, which names the file, the scenario, the field and the nearest name, before anything is started.
    """
    try:
        told = json.loads(path.read_bytes(), object_pairs_hook=unique_names, parse_constant=_no_constant)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}", "name the JSON file of a scenario") from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path} is not JSON: {error or 'nested too deep'}", "see docs/performance.md") from error
    items = told if isinstance(told, list) else [told]
    if not items:
        raise BadInput(f"{path} holds no scenario", "it is one JSON object, or a list of them")
    places = [
        f"{path}, scenario {number}" if isinstance(told, list) else str(path) for number in range(1, len(items) + 1)
    ]
    found = [_scenario(item, place, modes) for item, place in zip(items, places, strict=True)]
    asked = [one.model_copy(update={"target": target}) for one in found] if target else found
    return [_with_counterpart(one, path.parent) for one in asked]


def _with_counterpart(scenario: PerfScenario, directory: Path) -> PerfScenario:
    named = Path(scenario.pipeline_file_name)
    counterpart = named.parent.parent / "kfp" / named.name
    if scenario.target == "kfp" and named.parent.name == "argo" and (directory / counterpart).is_file():
        return scenario.model_copy(update={"pipeline_file_name": str(counterpart)})
    return scenario


def find_pipeline(scenario: PerfScenario, directory: Path) -> Path | None:
    """The file of a scenario's pipeline, relative to the directory of the scenario's file; None where it names none.

    Raises BadInput with the nearest names where there is no such file.
    """
    if not scenario.pipeline_file_name:
        return None
    path = directory / scenario.pipeline_file_name
    if not path.is_file():
        there = sorted(str(one.relative_to(directory)) for one in directory.glob("**/*.y*ml"))[:1000]
        hint = nearest(scenario.pipeline_file_name, there) or "pipelineFileName is relative to the scenario's file"
        raise BadInput(f"there is no pipeline {path}", hint)
    return path


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")


def _scenario(told: Any, place: str, modes: Collection[str]) -> PerfScenario:
    if not isinstance(told, dict):
        raise BadInput(f"{place}: a scenario is a JSON object, not {type(told).__name__}", "see docs/performance.md")
    _check_names(told, FIELDS, place)
    if isinstance(limits := told.get("resourceLimits"), dict):
        _check_names(limits, LIMIT_FIELDS, f"{place}, resourceLimits")
    mode = told.get("mode")
    if isinstance(mode, str) and mode not in modes:
        raise BadInput(
            f"{place}: there is no mode {mode!r}", nearest(mode, modes) or f"modes: {', '.join(sorted(modes))}"
        )
    try:
        return PerfScenario.model_validate(told)
    except ValidationError as error:
        faults = "; ".join(_fault(one) for one in error.errors())
        raise BadInput(f"{place}: {faults}", "see docs/performance.md") from error


def _check_names(told: dict[str, Any], known: list[str], place: str) -> None:
    for name in told:
        if name not in known:
            raise BadInput(f"{place}: unknown field {name!r}", nearest(name, known) or f"fields: {', '.join(known)}")


def _fault(error: Any) -> str:
    place = ".".join(str(part) for part in error["loc"])
    message = error["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message
