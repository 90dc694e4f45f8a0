"""The tree of a workflow's nodes, as a person sees it: steps in rows, nested templates as groups, what was skipped."""

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from slipway_workflows.report.times import parse_time, spoken

GROUP_INDEX = re.compile(r"\[(\d+)\]")
DEEPEST = 30
"""Nested templates are followed this far down; a recursive template ends here instead of never."""


class State(StrEnum):
    """How a step ended. Its own verdict counts for more than its phase: a gate that rejected has Succeeded."""

    DONE = "done"
    REJECTED = "rejected"
    INCONCLUSIVE = "inconclusive"
    UNHEALTHY = "unhealthy"
    FAILED = "failed"
    SKIPPED = "skipped"
    RUNNING = "running"
    WAITING = "waiting"


MARKS = {
    State.DONE: "✔",
    State.REJECTED: "✖",
    State.INCONCLUSIVE: "?",
    State.UNHEALTHY: "!",
    State.FAILED: "✖",
    State.SKIPPED: "○",
    State.RUNNING: "▶",
    State.WAITING: "◷",
}


@dataclass(frozen=True)
class Step:
    """A node with what it ran: `rows` of steps, one after the other; `links` are pairs of ids, arrows between them."""

    id: str
    name: str
    state: State
    phase: str = ""
    template: str = ""
    message: str = ""
    started: datetime | None = None
    finished: datetime | None = None
    tries: int = 1
    on_exit: bool = False
    inputs: Mapping[str, str] | None = None
    outputs: Mapping[str, str] | None = None
    rows: tuple[tuple["Step", ...], ...] = ()
    links: tuple[tuple[str, str], ...] = ()

    @property
    def ran(self) -> bool:
        """Whether the branch through this step was taken."""
        return self.state not in (State.SKIPPED, State.WAITING)

    @property
    def seconds(self) -> float | None:
        """How long it took; None for what did not run or has not ended."""
        if not self.ran or not self.started or not self.finished:
            return None
        return max(0.0, (self.finished - self.started).total_seconds())

    def walk(self, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], "Step"]]:
        """The step and all below it, in order, each with the names of the groups it stands in."""
        yield path, self
        for row in self.rows:
            for step in row:
                yield from step.walk((*path, self.name))


def values(holder: Any) -> dict[str, str]:
    """The parameters of `inputs`, `outputs` or `arguments` as a plain mapping; {} where there are none."""
    items = (holder or {}).get("parameters") or []
    return {str(item["name"]): str(item["value"]) for item in items if item.get("value") is not None}


def read(workflow: Mapping[str, Any]) -> Step | None:
    """The steps of a workflow as Argo stores it; None where nothing was started."""
    name = (workflow.get("metadata") or {}).get("name", "")
    nodes: dict[str, dict[str, Any]] = (workflow.get("status") or {}).get("nodes") or {}
    top = next((n for n in nodes.values() if not n.get("boundaryID") and n.get("name") == name), None)
    if top is None:
        return None
    root = _Reader(nodes).step(top, 0)
    if not root.rows:
        root = replace(root, rows=((root,),))
    for node in nodes.values():
        if node.get("name") == f"{name}.onExit":
            step = _Reader(nodes).step(node, 0)
            step = replace(step, name=node.get("templateName") or "on exit", on_exit=True)
            ends = [one.id for one in root.rows[-1] if one.ran] or [one.id for one in root.rows[-1]]
            links = (*root.links, *((end, step.id) for end in ends))
            root = replace(root, rows=(*root.rows, (step,)), links=links)
    return root


def leaves(root: Step) -> list[tuple[str, Step]]:
    """What really ran or would have run, in order, each with a name that tells it apart (`train / evaluate`)."""
    return [(" / ".join((*path[1:], step.name)), step) for path, step in root.walk() if not step.rows]


class _Reader:
    """Nodes by id, and by the node they belong to."""

    def __init__(self, nodes: Mapping[str, dict[str, Any]]) -> None:
        self.nodes = nodes
        self.members: dict[str, list[dict[str, Any]]] = {}
        hidden = {
            child for node in nodes.values() if node.get("type") in ("Retry", "TaskGroup") for child in _ids(node)
        }
        for node in nodes.values():
            if node.get("type") != "StepGroup" and node.get("id") not in hidden:
                self.members.setdefault(node.get("boundaryID") or "", []).append(node)

    def step(self, node: Mapping[str, Any], depth: int) -> Step:
        """One node with all below it."""
        outputs = values(node.get("outputs"))
        step = Step(
            id=str(node.get("id")),
            name=str(node.get("displayName") or node.get("name") or "?"),
            state=_state(node, outputs),
            phase=str(node.get("phase") or ""),
            template=str(node.get("templateName") or (node.get("templateRef") or {}).get("name") or ""),
            message=str(node.get("message") or ""),
            started=parse_time(node.get("startedAt")),
            finished=parse_time(node.get("finishedAt")),
            inputs=values(node.get("inputs")),
            outputs=outputs,
        )
        if depth >= DEEPEST:
            return step
        kind = node.get("type")
        if kind == "Retry":
            tries = [self.nodes[child] for child in _ids(node) if child in self.nodes]
            if not tries:
                return step
            last = self.step(tries[-1], depth + 1)
            return replace(
                step, message=step.message or last.message, tries=len(tries), rows=last.rows, links=last.links
            )
        if kind == "TaskGroup":
            items = [self.nodes[child] for child in _ids(node) if child in self.nodes]
            return replace(step, rows=(tuple(self.step(item, depth + 1) for item in items),) if items else ())
        rows, links = self._dag(node, depth) if kind == "DAG" else self._steps(node, depth)
        if len(rows) == 1 and len(rows[0]) == 1 and not rows[0][0].rows:
            only = rows[0][0]  # a template around one step: one box says it all
            state = step.state if step.state is not State.DONE else only.state
            return replace(step, state=state, message=only.message or step.message, tries=only.tries)
        return replace(step, rows=rows, links=links)

    def _steps(
        self, node: Mapping[str, Any], depth: int
    ) -> tuple[tuple[tuple[Step, ...], ...], tuple[tuple[str, str], ...]]:
        """Rows are the step groups; an arrow leads from what ran to the whole next row."""
        groups: dict[int, list[Step]] = {}
        prefix = len(str(node.get("name") or ""))
        for member in self.members.get(str(node.get("id")), []):
            index = GROUP_INDEX.match(str(member.get("name") or ""), prefix)
            groups.setdefault(int(index[1]) if index else 0, []).append(self.step(member, depth + 1))
        rows = _side_by_side([tuple(groups[index]) for index in sorted(groups)])
        links: list[tuple[str, str]] = []
        for before, after in itertools.pairwise(rows):
            sources = [step for step in before if step.ran] or list(before)
            links += [(source.id, target.id) for source in sources for target in after]
        return rows, tuple(links)

    def _dag(
        self, node: Mapping[str, Any], depth: int
    ) -> tuple[tuple[tuple[Step, ...], ...], tuple[tuple[str, str], ...]]:
        """Rows by the longest way to a task; arrows are the dependencies themselves."""
        here = str(node.get("id"))
        tasks = {str(m.get("id")): self.step(m, depth + 1) for m in self.members.get(here, [])}
        links = []
        for other in self.nodes.values():
            source = self._owner(other, here, tasks)
            # Argo hangs what follows a nested template on the last nodes inside it.
            links += [(source, child) for child in _ids(other) if source and child in tasks and child != source]
        links = sorted(set(links))
        level = dict.fromkeys(tasks, 0)
        for _ in tasks:
            for source, target in links:
                level[target] = min(max(level[target], level[source] + 1), len(tasks))
        rows = [tuple(tasks[t] for t in tasks if level[t] == index) for index in sorted(set(level.values()))]
        return tuple(rows), tuple(links)

    def _owner(self, node: Mapping[str, Any], here: str, tasks: Mapping[str, Step]) -> str | None:
        """The task of template node `here` that a node belongs to, however deep."""
        for _ in range(DEEPEST):
            if str(node.get("id")) in tasks:
                return str(node.get("id"))
            boundary = node.get("boundaryID")
            if not boundary or boundary == here or boundary not in self.nodes:
                return None
            node = self.nodes[boundary]
        return None


def _ids(node: Mapping[str, Any]) -> list[str]:
    return [str(child) for child in node.get("children") or []]


def _state(node: Mapping[str, Any], outputs: Mapping[str, str]) -> State:
    phase = node.get("phase")
    if phase in ("Skipped", "Omitted"):
        return State.SKIPPED
    if phase in ("Failed", "Error"):
        return State.FAILED
    if phase == "Running":
        return State.WAITING if node.get("type") == "Suspend" else State.RUNNING
    if phase != "Succeeded":
        return State.WAITING
    told = {"reject": State.REJECTED, "inconclusive": State.INCONCLUSIVE, "error": State.FAILED}
    if outputs.get("verdict") in told:
        return told[outputs["verdict"]]
    return State.UNHEALTHY if outputs.get("state") in ("unhealthy", "error") else State.DONE


def _side_by_side(rows: list[tuple[Step, ...]]) -> tuple[tuple[Step, ...], ...]:
    """A row that was skipped whole stands beside the one that came instead: the two are branches."""
    kept: list[tuple[Step, ...]] = []
    waiting: tuple[Step, ...] = ()
    for row in rows:
        if not any(step.ran for step in row):
            waiting += row
        else:
            kept.append((*row, *waiting))
            waiting = ()
    return tuple([*kept, waiting] if waiting else kept)


def branch_picture(workflow: Mapping[str, Any]) -> str:
    """The steps of a workflow as a tree of plain text with marks and times; "" where nothing was started."""
    root = read(workflow)
    if root is None:
        return ""
    lines = [_line(root)]

    def below(step: Step, indent: str) -> None:
        inner = [one for row in step.rows for one in row if one is not root and one.id != root.id]
        for number, one in enumerate(inner):
            last = number == len(inner) - 1
            lines.append(f"{indent}{'└─' if last else '├─'} {_line(one)}")
            below(one, indent + ("   " if last else "│  "))

    below(root, "")
    return "\n".join(lines)


def _line(step: Step) -> str:
    words = [step.state.value] if step.state is not State.DONE else []
    words += [spoken(step.seconds)] if step.seconds is not None else []
    words += [f"{step.tries} tries"] if step.tries > 1 else []
    words += ["on exit"] if step.on_exit else []
    name = " ".join(step.name.split())  # a name with a line break would tear the tree
    return f"{MARKS[step.state]} {name}" + (f"  ({', '.join(words)})" if words else "")
