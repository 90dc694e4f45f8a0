"""Validates what is about to be deployed, in three layers: schemas, references between objects, policies."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from slipway_workflows.findings.finding import Finding
from slipway_workflows.validation import compose, dockerfile, network, pods, policies, references, routes, schemas
from slipway_workflows.validation import secret_values as secrets
from slipway_workflows.validation.codes import CODES
from slipway_workflows.validation.inputs import Inputs, read
from slipway_workflows.validation.objects import Fault, KubeObject, Objects, Place

CHECKS = (*pods.CHECKS, *references.CHECKS, *routes.CHECKS, *secrets.CHECKS, *network.CHECKS)
"""What is asked of all objects together."""


@dataclass(frozen=True)
class Waived:
    """A finding that people have accepted, with their reason."""

    finding: Finding
    reason: str


@dataclass(frozen=True)
class Validated:
    """What was found. layers: each layer with what became of it. what: what was validated, counted."""

    findings: list[Finding]
    waived: list[Waived]
    layers: dict[str, str]
    what: str


def validate(paths: Sequence[Path], values: Sequence[Path] = ()) -> Validated:
    """Validate charts, manifests, Dockerfiles, compose files and workflows of GitHub together.

    Raises BadInput for what cannot be read or rendered, and SlipwayError where checkov is there and fails.
    """
    inputs = read(paths, values)
    findings: set[Finding] = set()
    waived: dict[Finding, str] = {}

    def sort(found: Iterable[tuple[Finding, Place]]) -> None:
        for finding, place in found:
            reason = place.waivers.get(finding.rule.split()[0])
            if reason:
                waived[finding] = reason
            else:
                findings.add(finding)

    sort(found_of(schema_faults(inputs)))
    sort(found_of(reference_faults(inputs)))
    checkov = policies.program()
    if checkov:
        sort(policies.broken(checkov, inputs.objects, inputs.dockerfiles))
    layers = {"schemas": "run", "references": "run", "policies": "run" if checkov else policies.ABSENT}
    return Validated(
        sorted(findings), [Waived(one, reason) for one, reason in sorted(waived.items())], layers, str(inputs)
    )


def found_of(faults: Iterable[Fault]) -> Iterator[tuple[Finding, Place]]:
    """Each fault as a finding, with file and line, and its place."""
    for fault in faults:
        code = CODES[fault.code]
        file, line = fault.place.at(fault.path)
        yield Finding(file, line, f"{code.id} {code.name}", fault.message, code.fix), fault.place


def schema_faults(inputs: Inputs) -> Iterator[Fault]:
    """SD001, SD002."""
    for one in inputs.objects:
        yield from schemas.of_object(one)
    for file in inputs.composes:
        yield from schemas.of_file("compose-spec", file.value, file.place)
    for file in inputs.workflows:
        yield from schemas.of_file("github-workflows", file.value, file.place)


def reference_faults(inputs: Inputs) -> Iterator[Fault]:
    """SD101 to SD120, and what is no Dockerfile."""
    yield from object_faults(inputs.objects)
    for path, text in inputs.dockerfiles.items():
        yield from dockerfile.faults_of(path, text)
    for file in inputs.composes:
        # files beside each other, such as compose.override.yaml, are read as one
        beside = [one.value for one in inputs.composes if Path(one.place.file).parent == Path(file.place.file).parent]
        yield from compose.faults_of(file.value, file.place, beside)


def object_faults(objects: list[KubeObject]) -> Iterator[Fault]:
    """SD101 to SD120 of Kubernetes objects."""
    together = Objects(objects)
    for check in CHECKS:
        yield from check(together)
