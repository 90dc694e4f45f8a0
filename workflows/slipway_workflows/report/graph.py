"""The graph of a workflow as people see it: rows of steps, nested templates as groups, and the skipped branches."""

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from slipway_workflows.argo import NodeType, Phase, StoredNode, StoredWorkflow
from slipway_workflows.argo.stored_node import parameter_values
from slipway_workflows.report.times import duration_text

GROUP_INDEX = re.compile(r"\[(\d+)\]")
MAX_DEPTH = 30
"""Levels of nested templates that are shown. It limits the picture of a recursive template."""


class State(StrEnum):
    """How a step is shown. A verdict counts more than the phase: a gate that rejects a model ends as Succeeded."""

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


Rows = tuple[tuple["Step", ...], ...]
Links = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Step:
    """A node of the graph, with the steps of its template.

    attempts: how often it was run. on_exit: whether it is the exit handler. rows: the steps inside it; rows run one
    after the other, the steps of a row side by side. links: pairs of ids (source, target), the arrows between them.
    """

    id: str
    name: str
    state: State
    phase: Phase = Phase.PENDING
    template: str = ""
    message: str = ""
    started: datetime | None = None
    finished: datetime | None = None
    attempts: int = 1
    on_exit: bool = False
    inputs: Mapping[str, str] | None = None
    outputs: Mapping[str, str] | None = None
    rows: Rows = ()
    links: Links = ()

    @property
    def ran(self) -> bool:
        """Whether the step was started; false for a skipped one and for one that still waits."""
        return self.state not in (State.SKIPPED, State.WAITING)

    @property
    def seconds(self) -> float | None:
        """How long the step took in seconds; None if it did not run or has not ended."""
        if not self.ran or not self.started or not self.finished:
            return None
        return max(0.0, (self.finished - self.started).total_seconds())

    def walk(self, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], "Step"]]:
        """The step itself and all steps inside it, in order, each with the names of the groups around it."""
        yield path, self
        for row in self.rows:
            for step in row:
                yield from step.walk((*path, self.name))


def steps_of(workflow: StoredWorkflow) -> Step | None:
    """The steps of a workflow as the tree below its root step; None where nothing was started.

    Raises PlatformError where its nodes cannot be read, BadInput where they are not in Argo's form.
    """
    if workflow.root is None:
        return None
    reader = _Reader(workflow)
    root = reader.step(workflow.root, 0)
    if not root.rows:
        root = replace(root, rows=((root,),))
    for node in workflow.nodes.values():
        if node.name == f"{workflow.name}.onExit":
            step = reader.step(node, 0)
            step = replace(step, name=node.template_name or "on exit", on_exit=True)
            ends = [one.id for one in root.rows[-1] if one.ran] or [one.id for one in root.rows[-1]]
            links = (*root.links, *((end, step.id) for end in ends))
            root = replace(root, rows=(*root.rows, (step,)), links=links)
    return root


def steps_without_groups(root: Step) -> list[tuple[str, Step]]:
    """All steps that are no groups, in order, each with its unique path (`train / evaluate`)."""
    return [(" / ".join((*path[1:], step.name)), step) for path, step in root.walk() if not step.rows]


class _Reader:
    """Makes a `Step` of each node of one workflow."""

    def __init__(self, workflow: StoredWorkflow) -> None:
        self.workflow = workflow
        self.nodes = workflow.nodes

    def _members(self, node: StoredNode) -> list[StoredNode]:
        """The steps or tasks of the template of a node. Items of a loop and attempts belong to their own group node."""
        nodes = self.workflow.display_children.get(node.id, ())
        return [one for one in nodes if one.boundary == node.id and one.type is not NodeType.STEP_GROUP]

    def step(self, node: StoredNode, depth: int) -> Step:
        """One node with all nodes inside it, down to `MAX_DEPTH`. depth: levels above it."""
        outputs = parameter_values(node.outputs)
        step = Step(
            id=node.id,
            name=node.display_name,
            state=_state(node, outputs),
            phase=node.phase,
            template=node.template_name or str((node.template_ref or {}).get("name") or ""),
            message=node.message_for_people,
            started=node.started,
            finished=node.finished,
            inputs=parameter_values(node.inputs),
            outputs=outputs,
        )
        if depth >= MAX_DEPTH:
            return step
        if node.type is NodeType.RETRY:
            attempts = self.workflow.attempts_or_items(node)
            if not attempts:
                return step
            last = self.step(attempts[-1], depth + 1)
            return replace(
                step, message=step.message or last.message, attempts=len(attempts), rows=last.rows, links=last.links
            )
        if node.type is NodeType.TASK_GROUP:
            items = self.workflow.attempts_or_items(node)
            return replace(step, rows=(tuple(self.step(item, depth + 1) for item in items),) if items else ())
        rows, links = self._dag(node, depth) if node.type is NodeType.DAG else self._steps(node, depth)
        if len(rows) == 1 and len(rows[0]) == 1 and not rows[0][0].rows:
            only = rows[0][0]  # a template with one step is shown as one box
            state = step.state if step.state is not State.DONE else only.state
            return replace(step, state=state, message=only.message or step.message, attempts=only.attempts)
        return replace(step, rows=rows, links=links)

    def _steps(self, node: StoredNode, depth: int) -> tuple[Rows, Links]:
        """The step groups as rows; arrows lead from each step that ran to all steps of the next row."""
        groups: dict[int, list[Step]] = {}
        for member in self._members(node):
            index = GROUP_INDEX.match(member.name, len(node.name))
            groups.setdefault(int(index[1]) if index else 0, []).append(self.step(member, depth + 1))
        rows = _side_by_side([tuple(groups[index]) for index in sorted(groups)])
        links: list[tuple[str, str]] = []
        for before, after in itertools.pairwise(rows):
            sources = [step for step in before if step.ran] or list(before)
            links += [(source.id, target.id) for source in sources for target in after]
        return rows, tuple(links)

    def _dag(self, node: StoredNode, depth: int) -> tuple[Rows, Links]:
        """The tasks in rows by their longest path from a first task; the arrows are the dependencies."""
        tasks = {member.id: self.step(member, depth + 1) for member in self._members(node)}
        found = set()
        for other in self.nodes.values():
            # In Argo, what follows a nested template is a child of the last nodes inside that template.
            candidates = (other, *self.workflow.ancestors(other))
            source = next((one.id for one in candidates if one.id in tasks), None)
            found |= {(source, child) for child in other.children if source and child in tasks and child != source}
        links = sorted(found)
        level = dict.fromkeys(tasks, 0)
        for _ in tasks:
            for source, target in links:
                level[target] = min(max(level[target], level[source] + 1), len(tasks))
        rows = [tuple(tasks[t] for t in tasks if level[t] == index) for index in sorted(set(level.values()))]
        return tuple(rows), tuple(links)


def _state(node: StoredNode, outputs: Mapping[str, str]) -> State:
    if node.phase.left_out:
        return State.SKIPPED
    if node.phase.failed:
        return State.FAILED
    if node.phase is Phase.RUNNING:
        return State.WAITING if node.waits_for_answer else State.RUNNING
    if node.phase is Phase.PENDING:
        return State.WAITING
    states = {"reject": State.REJECTED, "inconclusive": State.INCONCLUSIVE, "error": State.FAILED}
    if outputs.get("verdict") in states:
        return states[outputs["verdict"]]
    return State.UNHEALTHY if outputs.get("state") in ("unhealthy", "error") else State.DONE


def _side_by_side(rows: list[tuple[Step, ...]]) -> tuple[tuple[Step, ...], ...]:
    """Put a row whose steps were all skipped beside the next row that ran: the two are branches of one decision."""
    joined: list[tuple[Step, ...]] = []
    skipped: tuple[Step, ...] = ()
    for row in rows:
        if not any(step.ran for step in row):
            skipped += row
        else:
            joined.append((*row, *skipped))
            skipped = ()
    return tuple([*joined, skipped] if skipped else joined)


def branch_picture(workflow: StoredWorkflow) -> str:
    """The steps of a workflow as a tree of plain text with marks and times; "" where nothing was started."""
    root = steps_of(workflow)
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
    words += [duration_text(step.seconds)] if step.seconds is not None else []
    words += [f"{step.attempts} attempts"] if step.attempts > 1 else []
    words += ["on exit"] if step.on_exit else []
    name = " ".join(step.name.split())  # a name with a line break would tear the tree
    return f"{MARKS[step.state]} {name}" + (f"  ({', '.join(words)})" if words else "")
