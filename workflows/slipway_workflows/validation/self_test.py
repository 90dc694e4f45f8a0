"""Plants every fault into the objects that a user gave, and asks each layer whether it sees it."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from slipway_steps.domain.errors import BadInput
from slipway_workflows.validation import policies, schemas
from slipway_workflows.validation.deployment import object_faults
from slipway_workflows.validation.faults import FAULTS, CannotPlant, Ground, PlantedFault
from slipway_workflows.validation.inputs import read
from slipway_workflows.validation.objects import KubeObject

Seen = dict[str, set[tuple[str, str]]]
"""Layer -> code and message of what it sees."""


@dataclass
class Planted:
    """What became of a fault. found: layer -> codes that only appear with the fault. why: where it was not planted."""

    fault: str
    code: str
    found: dict[str, list[str]] = field(default_factory=dict)
    why: str = ""

    @property
    def missed(self) -> bool:
        """Whether it was planted, and no layer saw it."""
        return not self.found and not self.why

    @property
    def told(self) -> str:
        """What became of it, for people."""
        if self.why:
            return f"not planted: {self.why}"
        layers = ", ".join(f"{layer} ({' '.join(codes)})" for layer, codes in self.found.items())
        return f"found by {layers}" if layers else "MISSED"

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {**asdict(self), "missed": self.missed}


def plant_all(paths: Sequence[Path], values: Sequence[Path] = ()) -> list[Planted]:
    """Plant each fault alone into all objects of the paths.

    Raises BadInput where nothing can be read, or no fault has a place; SlipwayError where checkov is there and fails.
    """
    objects = read(paths, values).objects
    known = _Schemas()
    before = _seen(objects, known)
    grounds: dict[str, Ground] = {}
    results = [_plant(fault, objects, before, grounds, known) for fault in FAULTS]
    if not grounds:
        raise BadInput(f"no fault can be planted: {results[0].why}", "give a chart, or manifests, of a workload")
    _ask_policies(objects, grounds, results)
    return results


def _plant(
    fault: PlantedFault, objects: list[KubeObject], before: Seen, grounds: dict[str, Ground], known: "_Schemas"
) -> Planted:
    try:
        ground = Ground(objects, fault.name)
        fault.plant(ground)
    except CannotPlant as error:
        return Planted(fault.name, fault.code, why=str(error))
    grounds[fault.name] = ground
    after = _seen(ground.objects, known)
    new = {layer: sorted({code for code, _ in after[layer] - before[layer]}) for layer in after}
    found = {layer: codes for layer, codes in new.items() if codes}
    there = any(code == fault.code for layer in before for code, _ in before[layer])
    if not found and there:
        return Planted(fault.name, fault.code, why="it is there already")
    return Planted(fault.name, fault.code, found)


class _Schemas:
    """What the schemas say of objects. Each is asked once, as a fault changes one or two of them."""

    def __init__(self) -> None:
        self._said: dict[str, set[tuple[str, str]]] = {}

    def of(self, one: KubeObject) -> set[tuple[str, str]]:
        text = json.dumps(one.manifest, sort_keys=True)
        if text not in self._said:
            self._said[text] = {(fault.code, fault.message) for fault in schemas.of_object(one)}
        return self._said[text]


def _seen(objects: list[KubeObject], known: _Schemas) -> Seen:
    return {
        "schemas": {said for one in objects for said in known.of(one)},
        "references": {(one.code, one.message) for one in object_faults(objects)},
    }


def _ask_policies(objects: list[KubeObject], grounds: dict[str, Ground], results: list[Planted]) -> None:
    """Ask checkov once of all objects that a fault has changed, as it takes seconds to start."""
    checkov = policies.program()
    if checkov is None:
        return
    own = {(one.kind, one.namespace, one.name): one for one in objects}
    changed: list[KubeObject] = []
    unchanged: dict[int, KubeObject] = {}
    for ground in grounds.values():
        for one in ground.objects:
            original = own.get((one.kind, one.namespace, one.name))
            if original is not None and original.manifest != one.manifest:
                changed.append(one)
                unchanged[id(original)] = original
    # without the objects around them, both are judged alike
    before = {(finding.rule, finding.message) for finding, _ in policies.broken(checkov, [*unchanged.values()], {})}
    after: dict[str, set[str]] = defaultdict(set)
    for finding, _ in policies.broken(checkov, changed, {}):
        if (finding.rule, finding.message) not in before:
            after[finding.file].add(finding.rule.split()[0])
    for result in results:
        if after[result.fault]:
            result.found["policies"] = sorted(after[result.fault])
