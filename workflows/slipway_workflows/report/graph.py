"""The tree of a workflow's nodes, as a person sees it: steps in rows, nested templates as groups, what was skipped."""

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from slipway_workflows.argo import NodeType, Phase, StoredNode, StoredWorkflow
from slipway_workflows.argo.stored import parameter_values
from slipway_workflows.report.times import spoken

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


Rows = tuple[tuple["Step", ...], ...]
Links = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Step:
    """A node with what it ran: `rows` of steps, one after the other; `links` are pairs of ids, arrows between them."""

    id: str
    name: str
    state: State
    phase: Phase = Phase.PENDING
    template: str = ""
    message: str = ""
    started: datetime | None = None
    finished: datetime | None = None
    tries: int = 1
    on_exit: bool = False
    inputs: Mapping[str, str] | None = None
    outputs: Mapping[str, str] | None = None
    rows: Rows = ()
    links: Links = ()

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


def steps_of(workflow: StoredWorkflow) -> Step | None:
    """The steps of a workflow; None where nothing was started.

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


def leaves(root: Step) -> list[tuple[str, Step]]:
    """What really ran or would have run, in order, each with a name that tells it apart (`train / evaluate`)."""
    return [(" / ".join((*path[1:], step.name)), step) for path, step in root.walk() if not step.rows]


class _Reader:
    """Makes steps of the nodes of one workflow."""

    def __init__(self, workflow: StoredWorkflow) -> None:
        self.workflow = workflow
        self.nodes = workflow.nodes

    def _members(self, node: StoredNode) -> list[StoredNode]:
        """What a person sees inside the template of a node; an item or a try stands inside its loop or Retry node."""
        below = self.workflow.display_children.get(node.id, ())
        return [one for one in below if one.boundary == node.id and one.type is not NodeType.STEP_GROUP]

    def step(self, node: StoredNode, depth: int) -> Step:
        """One node with all below it."""
        outputs = parameter_values(node.outputs)
        step = Step(
            id=node.id,
            name=node.display_name,
            state=_state(node, outputs),
            phase=node.phase,
            template=node.template_name or str((node.template_ref or {}).get("name") or ""),
            message=node.message,
            started=node.started,
            finished=node.finished,
            inputs=parameter_values(node.inputs),
            outputs=outputs,
        )
        if depth >= DEEPEST:
            return step
        if node.type is NodeType.RETRY:
            tries = self.workflow.attempts_or_items(node)
            if not tries:
                return step
            last = self.step(tries[-1], depth + 1)
            return replace(
                step, message=step.message or last.message, tries=len(tries), rows=last.rows, links=last.links
            )
        if node.type is NodeType.TASK_GROUP:
            items = self.workflow.attempts_or_items(node)
            return replace(step, rows=(tuple(self.step(item, depth + 1) for item in items),) if items else ())
        rows, links = self._dag(node, depth) if node.type is NodeType.DAG else self._steps(node, depth)
        if len(rows) == 1 and len(rows[0]) == 1 and not rows[0][0].rows:
            only = rows[0][0]  # a template around one step: one box says it all
            state = step.state if step.state is not State.DONE else only.state
            return replace(step, state=state, message=only.message or step.message, tries=only.tries)
        return replace(step, rows=rows, links=links)

    def _steps(self, node: StoredNode, depth: int) -> tuple[Rows, Links]:
        """Rows are the step groups; an arrow leads from what ran to the whole next row."""
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
        """Rows by the longest way to a task; arrows are the dependencies themselves."""
        tasks = {member.id: self.step(member, depth + 1) for member in self._members(node)}
        found = set()
        for other in self.nodes.values():
            # Argo hangs what follows a nested template on the last nodes inside it.
            line = (other, *self.workflow.ancestors(other))
            source = next((one.id for one in line if one.id in tasks), None)
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
    words += [spoken(step.seconds)] if step.seconds is not None else []
    words += [f"{step.tries} tries"] if step.tries > 1 else []
    words += ["on exit"] if step.on_exit else []
    name = " ".join(step.name.split())  # a name with a line break would tear the tree
    return f"{MARKS[step.state]} {name}" + (f"  ({', '.join(words)})" if words else "")
