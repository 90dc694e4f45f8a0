"""What all parts of a running workflow share. Each part of it is an object of its own; see their modules."""

import asyncio
import re
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from slipway_workflows.engine.machine.locks import Locks
from slipway_workflows.engine.machine.objects import Objects
from slipway_workflows.engine.machine.processes import Processes
from slipway_workflows.engine.manifests.library import Library
from slipway_workflows.engine.manifests.templates import Context, TemplateCaller
from slipway_workflows.engine.run.fault_log import FaultLog
from slipway_workflows.engine.run.global_outputs import GlobalOutputs
from slipway_workflows.engine.run.parallelism import Parallelism
from slipway_workflows.engine.run.place import Place
from slipway_workflows.engine.run.retry_plan import RetryPlan
from slipway_workflows.engine.run.shutdown import Shutdown
from slipway_workflows.engine.state.nodes import Node, Tree

GROUP_PREFIX = re.compile(r"^\[\d+\]\.(.+)")


class ExecuteTemplate(Protocol):
    """Runs the template that a caller names, as a node of that name; see `execution.execute_template`.

    Steps, dags and hooks run templates, which are steps and dags in turn: this is the one way back to the top.
    """

    def __call__(
        self, operation: "Operation", name: str, caller: TemplateCaller, context: Context, place: Place
    ) -> Awaitable[Node]:
        """Run it to its end."""
        ...


@dataclass(frozen=True)
class Machine:
    """What a run has of this machine."""

    directory: Path
    """The run's directory."""
    environment: Mapping[str, str]
    """What every step finds in its environment."""
    isolated: bool
    """Whether steps get a mount namespace."""
    processes: Processes
    locks: Locks
    cluster: Objects | None = None
    """The Kubernetes objects that resource templates change, where they are not files."""


@dataclass(frozen=True)
class Operation:
    """One run of one workflow."""

    context: Context
    """Where the names of the workflow's own templates are looked up."""
    tree: Tree
    machine: Machine
    shutdown: Shutdown
    global_outputs: GlobalOutputs
    parallelism: Parallelism
    faults: FaultLog
    execute: ExecuteTemplate
    retry_plan: RetryPlan | None = None
    """What a retried run takes over; None in a first run."""
    suspended: dict[str, "asyncio.Future[dict[str, str]]"] = field(default_factory=dict)
    """Suspend nodes that wait, by id, and where their answers go."""

    @property
    def name(self) -> str:
        """The workflow's name."""
        return self.tree.workflow

    @property
    def library(self) -> Library:
        """The manifests that names are looked up in."""
        return self.context.library

    def create(
        self, name: str, kind: str, caller: TemplateCaller, template_scope: str, place: Place, **fields: Any
    ) -> Node:
        """A new node at its place. `fields`: phase, message, inputs, ..."""
        boundary = place.boundary
        fields.setdefault("phase", "Running")
        node = self.tree.create(
            name,
            type=kind,
            display_name=_display_name(name, boundary),
            template_scope=template_scope,
            boundary=boundary.id if boundary else "",
            template_name="" if caller.get("templateRef") else str(caller.get("template") or ""),
            template_ref=caller.get("templateRef"),
            flags={"hooked": True} if place.hooked else {},
            parent=place.shown_under.id if place.shown_under else None,
            **fields,
        )
        for parent in place.parents:
            self.tree.link(parent, node)
        return node


def _display_name(name: str, boundary: Node | None) -> str:
    if boundary is None:
        return name
    display = name.removeprefix(boundary.name).removeprefix(".")
    match = GROUP_PREFIX.match(display)
    return match.group(1) if match else display
