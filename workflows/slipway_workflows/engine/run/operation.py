"""What all parts of a running workflow share.

An operation is one run of one workflow, as in Argo's controller. It consists of small objects (the node tree, the
shutdown, the global outputs, ...) that are explained in their own modules.
"""

import asyncio
import re
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from slipway_workflows.engine.machine.locks import Locks
from slipway_workflows.engine.machine.objects import Objects
from slipway_workflows.engine.machine.processes import Processes
from slipway_workflows.engine.machine.timings import Timings
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
    """The type of `execution.execute_template`, which runs the template that a caller names as one node.

    Steps, dags and hooks run other templates by it. They get it from the operation, as `execution` imports them.
    """

    def __call__(
        self, operation: "Operation", name: str, caller: TemplateCaller, context: Context, place: Place
    ) -> Awaitable[Node]:
        """Run the template of `caller` as the node `name` to its end, and return the node."""
        ...


@dataclass(frozen=True)
class Machine:
    """What a run uses of this machine."""

    directory: Path
    """The run's directory."""
    environment: Mapping[str, str]
    """Environment variables that every step gets."""
    isolated: bool
    """Whether steps may get a mount namespace of their own."""
    processes: Processes
    locks: Locks
    timings: Timings
    cluster: Objects | None = None
    """The objects of the cluster that resource templates change; None where they are files, or there are none."""


@dataclass(frozen=True)
class Operation:
    """One run of one workflow: the objects that its parts share."""

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
    """What a retry takes over from the run before it; None in a first run."""
    suspended: dict[str, "asyncio.Future[dict[str, str]]"] = field(default_factory=dict)
    """For each suspend node that waits, by id, the future that gets the answer: values of output parameters."""

    @property
    def name(self) -> str:
        """The name of the workflow, which is also that of its node at the top."""
        return self.tree.workflow

    @property
    def library(self) -> Library:
        """The manifests that names are looked up in."""
        return self.context.library

    def create(
        self, name: str, kind: str, caller: TemplateCaller, template_scope: str, place: Place, **fields: Any
    ) -> Node:
        """Add a new node to the tree, with the edges that its place says.

        `kind`: its node type. `caller`: the step, task or hook it is for. `fields`: other fields of `Node`; without a
        phase it is Running.
        """
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
    """The node's name without that of its boundary, and without the number of its step group."""
    if boundary is None:
        return name
    display = name.removeprefix(boundary.name).removeprefix(".")
    match = GROUP_PREFIX.match(display)
    return match.group(1) if match else display
