"""The steps of a workflow as a scenario counts them."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from slipway_workflows.argo import NodeType, Phase, StoredNode, StoredWorkflow

STEPS = (NodeType.POD, NodeType.SUSPEND, NodeType.HTTP, NodeType.PLUGIN)
"""The types of nodes that do something; all others group them."""
NUMBERED = re.compile(r"(\(\d+(:.*)?\))+$", re.DOTALL)
"""What Argo adds to the name of an attempt or of an item of a loop."""


@dataclass(frozen=True)
class StepRun:
    """A step that began: once, however often it was tried and for however many items.

    seconds: from its first begin to its last end, or to the end of the run where that came before. on_exit: whether it
    belongs to the exit handler or a hook. nodes: its own, in order.
    """

    name: str
    seconds: float
    failed: bool
    on_exit: bool
    nodes: tuple[StoredNode, ...]

    @property
    def running(self) -> tuple[StoredNode, ...]:
        """Its nodes that had not ended."""
        return tuple(node for node in self.nodes if not node.finished)


def steps_of(workflow: StoredWorkflow, until: float = 0.0) -> list[StepRun]:
    """The steps of a workflow that began, in the order in which they did.

    until: when the run ended or was killed, in Unix seconds: what had not ended ran until then.
    """
    groups: dict[tuple[str, str], list[StoredNode]] = {}
    for node in workflow.nodes.values():
        if node.type in STEPS and node.started and node.phase is not Phase.PENDING and not node.phase.left_out:
            groups.setdefault((node.boundary, NUMBERED.sub("", node.display_name)), []).append(node)
    recovered = {
        child
        for node in workflow.nodes.values()
        if node.type is NodeType.RETRY and node.phase is Phase.SUCCEEDED
        for child in node.children
    }
    found = []
    for (_, name), nodes in groups.items():
        nodes.sort(key=_began)
        end = max(node.finished.timestamp() if node.finished else until for node in nodes)
        found.append(
            StepRun(
                # a workflow of one container has its own name
                name="main" if name == workflow.name else name,
                seconds=max(0.0, end - _began(nodes[0])),
                failed=any(node.phase.failed and node.id not in recovered for node in nodes),
                on_exit=_on_exit(workflow, nodes[0]),
                nodes=tuple(nodes),
            )
        )
    return sorted(found, key=lambda step: _began(step.nodes[0]))


def _began(node: StoredNode) -> float:
    return node.started.timestamp() if node.started else 0.0


def _on_exit(workflow: StoredWorkflow, node: StoredNode) -> bool:
    line = [node, *workflow.ancestors(node)]
    return any(one.name == f"{workflow.name}.onExit" or one.flags.get("hooked") for one in line)


def missing(expected: Sequence[str], steps: Sequence[StepRun]) -> list[str]:
    """The expected steps that did not begin, each as often as it is missing."""
    return list((Counter(expected) - Counter(step.name for step in steps)).elements())


def too_seldom(expected: Sequence[str], steps: Sequence[StepRun]) -> dict[str, tuple[int, int]]:
    """The steps that ran, but less often than expected -> how often, and how often they had to."""
    ran, wanted = Counter(step.name for step in steps), Counter(expected)
    return {name: (ran[name], wanted[name]) for name in wanted if 0 < ran[name] < wanted[name]}


def times_text(number: int) -> str:
    """How often, in words."""
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def doubled(expected: Sequence[str], steps: Sequence[StepRun]) -> dict[str, int]:
    """The expected steps that ran more often than expected -> how often."""
    ran, wanted = Counter(step.name for step in steps), Counter(expected)
    return {name: ran[name] for name in wanted if ran[name] > wanted[name]}


def unforeseen(expected: Sequence[str], steps: Sequence[StepRun]) -> list[str]:
    """The steps that nobody expected; those of the exit handler and of hooks are not listed."""
    return list(dict.fromkeys(step.name for step in steps if step.name not in expected and not step.on_exit))
