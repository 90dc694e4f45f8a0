"""Makes the timeline of a run of what the local engine stored about it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from slipway_steps.adapters.targets.step_names import step_name
from slipway_steps.domain.perf_session import Phase

Piece = tuple[float, float]
"""A piece of time: its begin and its end, in seconds after the submission."""


def timeline(
    status: Mapping[str, Any], timings: Sequence[Mapping[str, Any]], submitted: float, seconds: float
) -> list[Phase]:
    """The phases of a run from its submission until its end, without a gap.

    program-start: until the workflow runs, or waits for its own locks; queue: a wait, of a step where it is named;
    run: a step; between-steps: no step runs or waits, after the first one began; before-steps and finish: what is left.

    status: of the stored workflow; timings: see `timings` of the engine; submitted: Unix seconds; seconds: the length
    of the run.
    """
    nodes = status.get("nodes") or {}
    began = min(_unix(status["startedAt"]) - submitted, seconds) if status.get("startedAt") else seconds
    waits = [one for one in timings if one["what"] == "queue"]
    own = [_piece(one, submitted) for one in waits if one["node"] not in nodes or not _is_pod(nodes[one["node"]])]
    before = [(start, end) for start, end in own if start < began]
    found = [Phase(name="program-start", start=0, end=before[0][0] if before else began)]
    found += [Phase(name="queue", start=before[0][0], end=began)] if before else []
    steps = [phase for node in nodes.values() if _is_pod(node) for phase in _step(node, waits, submitted)]
    steps += [Phase(name="queue", start=start, end=end) for start, end in own if start >= began]
    if not steps:
        return [*found, Phase(name="finish", start=began, end=seconds)]
    first, last = min(step.start for step in steps), min(max(step.end for step in steps), seconds)
    blanks = gaps([(step.start, step.end) for step in steps], first, last)
    found += [Phase(name="before-steps", start=began, end=first)] if first > began else []
    found += [*steps, *(Phase(name="between-steps", start=start, end=end) for start, end in blanks)]
    found.append(Phase(name="finish", start=last, end=seconds))
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


def totals(phases: Iterable[Phase], name: str) -> float:
    """The seconds of all phases of that name together."""
    return sum(phase.end - phase.start for phase in phases if phase.name == name)


def by_component(phases: Iterable[Phase]) -> dict[str, float]:
    """The seconds that each step ran, without waits; those of the same name are added up."""
    found: dict[str, float] = {}
    for phase in phases:
        if phase.name == "run":
            found[phase.component] = found.get(phase.component, 0.0) + phase.end - phase.start
    return found


def _is_pod(node: Mapping[str, Any]) -> bool:
    return node.get("type") == "Pod" and bool(node.get("startedAt") and node.get("finishedAt"))


def _step(node: Mapping[str, Any], waits: Sequence[Mapping[str, Any]], submitted: float) -> list[Phase]:
    """The waits of a step, and then its run."""
    name, end = step_name(node), _unix(node["finishedAt"]) - submitted
    at = _unix(node["startedAt"]) - submitted
    found = []
    for one in waits:
        if one["node"] == node["id"]:
            start, until = _piece(one, submitted)
            found.append(Phase(name="queue", component=name, start=min(at, start), end=until))
            at = max(at, until)
    return [*found, Phase(name="run", component=name, start=at, end=max(at, end))]


def _piece(timing: Mapping[str, Any], submitted: float) -> Piece:
    return timing["from"] - submitted, timing["to"] - submitted


def _unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
