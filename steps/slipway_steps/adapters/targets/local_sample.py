"""Makes a sample of what the local engine stored about a run."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from slipway_steps.domain.perf_session import Phase

Piece = tuple[float, float]
"""A piece of time: its begin and its end, in seconds after the submission."""


def components(nodes: Iterable[Mapping[str, Any]], submitted: float) -> list[Phase]:
    """The steps of a workflow that ran, in the order of time. `submitted`: Unix seconds."""
    found = [
        Phase(
            name="run",
            component=step_name(node),
            start=_unix(node["startedAt"]) - submitted,
            end=_unix(node["finishedAt"]) - submitted,
        )
        for node in nodes
        if node.get("type") == "Pod" and node.get("startedAt") and node.get("finishedAt")
    ]
    return sorted(found, key=lambda phase: (phase.start, phase.end))


def gaps(pieces: Iterable[Piece], start: float, end: float) -> list[Piece]:
    """The parts of the time from `start` until `end` that no piece covers."""
    found, at = [], start
    for begin, finish in sorted(pieces):
        if begin > at:
            found.append((at, min(begin, end)))
        at = max(at, finish)
    if at < end:
        found.append((at, end))
    return found


def timeline(status: Mapping[str, Any], submitted: float, seconds: float) -> list[Phase]:
    """The phases of a run from its submission until its end, without a gap.

    program-start: until the workflow runs; run: a step, with its name; between-steps: no step runs, after the first one
    began; finish: after the last one. submitted: Unix seconds; seconds: the run's length.
    """
    steps = components((status.get("nodes") or {}).values(), submitted)
    began = min(_unix(status["startedAt"]) - submitted, seconds) if status.get("startedAt") else seconds
    found = [Phase(name="program-start", start=0, end=began)]
    if not steps:
        return [*found, Phase(name="finish", start=began, end=seconds)]
    first, last = min(step.start for step in steps), min(max(step.end for step in steps), seconds)
    blanks = gaps([(step.start, step.end) for step in steps], first, last)
    found += [Phase(name="before-steps", start=began, end=first)] if first > began else []
    found += [*steps, *(Phase(name="between-steps", start=start, end=end) for start, end in blanks)]
    found.append(Phase(name="finish", start=last, end=seconds))
    return sorted(found, key=lambda phase: (phase.start, phase.end))


def totals(phases: Iterable[Phase], name: str) -> float:
    """The seconds of all phases of that name together."""
    return sum(phase.end - phase.start for phase in phases if phase.name == name)


def by_component(phases: Iterable[Phase]) -> dict[str, float]:
    """The seconds that each step ran; those of the same name are added up."""
    found: dict[str, float] = {}
    for phase in phases:
        if phase.component:
            found[phase.component] = found.get(phase.component, 0.0) + phase.end - phase.start
    return found


def step_name(node: Mapping[str, Any]) -> str:
    """The name of a step for people: the first attempt of a step that may be retried has the name of the step."""
    return str(node.get("displayName") or node["name"]).removesuffix("(0)")


def _unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
