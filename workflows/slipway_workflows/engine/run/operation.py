"""What all parts of a running workflow share: its tree, its globals, its limits, and whether it is being stopped."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from slipway_workflows.engine.errors import FailFastError
from slipway_workflows.engine.machine.isolation import available
from slipway_workflows.engine.machine.locks import Locks
from slipway_workflows.engine.machine.processes import Processes
from slipway_workflows.engine.manifests.arguments import by_name
from slipway_workflows.engine.manifests.library import Library
from slipway_workflows.engine.manifests.templates import Context, Template, TemplateCaller
from slipway_workflows.engine.run.scopes import Artifact
from slipway_workflows.engine.state.nodes import Node, Tree

if TYPE_CHECKING:
    from slipway_workflows.engine.run.retry_plan import RetryPlan

GROUP_PREFIX = re.compile(r"^\[\d+\]\.(.+)")


class Execute(Protocol):
    """Runs the template that a caller names, as a node of that name; see `execution.execute_template`."""

    def __call__(
        self, operation: "Operation", name: str, caller: TemplateCaller, context: Context, place: "Place"
    ) -> Awaitable[Node]:
        """Run it to its end."""
        ...


class Place:
    """Where in the tree a node belongs, and which rules hold there."""

    def __init__(self, boundary: Node | None, parents: list[Node], shown_under: Node | None, on_exit: bool) -> None:
        self.boundary = boundary
        self.parents = parents
        self.shown_under = shown_under
        self.on_exit = on_exit
        self.hooked = False
        self.referrer: Template | None = None
        """The template whose text may read this node's result."""
        self.started: Callable[[Node], None] | None = None
        """Told when the node begins to run, for hooks on `status == "Running"`."""

    def copy(self) -> "Place":
        """The same place, for another node."""
        other = Place(self.boundary, self.parents, self.shown_under, self.on_exit)
        other.hooked, other.referrer = self.hooked, self.referrer
        return other


class Operation:
    """One run of one workflow."""

    def __init__(
        self,
        name: str,
        library: Library,
        context: Context,
        global_values: dict[str, str | None],
        directory: Path,
        environment: dict[str, str],
        locks: Locks,
        tree: Tree,
        execute: Execute,
        retry_plan: "RetryPlan | None" = None,
    ) -> None:
        self.name = name
        self.library = library
        self.context = context
        self.globals = global_values
        self.global_artifacts: dict[str, Artifact] = {}
        self.outputs: dict[str, list[dict[str, Any]]] = {}
        self.directory = directory
        self.environment = environment
        self.locks = locks
        self.tree = tree
        self.execute = execute
        self.retry_plan = retry_plan
        """What a retried run takes over; None in a first run."""
        self.processes = Processes()
        self.isolated = available(directory / "work")
        """Whether steps get a mount namespace."""
        self.pods: asyncio.Semaphore | None = None
        self.ended = ""
        """Why no new step may start: a stop or a deadline; empty while all is well."""
        self.terminated = False
        """Not even exit handlers may run."""
        self.give_up = asyncio.Event()
        self.give_up_exit = asyncio.Event()
        self.exit_pods: set[str] = set()
        """Running steps that belong to exit handlers, which a stop spares."""
        self.suspended: dict[str, asyncio.Future[dict[str, str]]] = {}
        """Suspend nodes that wait, and where their answers go."""
        self._limits: dict[str, asyncio.Semaphore] = {}
        self._fail_fast: set[str] = set()
        self.broken: set[str] = set()
        """Ids of boundaries that have a failed child."""

    def create(self, name: str, kind: str, caller: TemplateCaller, scope: str, place: Place, **fields: Any) -> Node:
        """A new node at its place. `fields`: phase, message, inputs, ..."""
        boundary = place.boundary
        display = name
        if boundary is not None:
            display = name.removeprefix(boundary.name).removeprefix(".")
            match = GROUP_PREFIX.match(display)
            display = match.group(1) if match else display
        fields.setdefault("phase", "Running")
        node = self.tree.create(
            name,
            type=kind,
            display_name=display,
            scope=scope,
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

    def may_run(self, on_exit: bool) -> bool:
        """Whether a new step may start."""
        return not self.terminated and (on_exit or not self.ended)

    def limit(self, node: Node, template: Template) -> None:
        """Let only `parallelism` children of this node run at a time."""
        if template.get("parallelism"):
            self._limits[node.id] = asyncio.Semaphore(int(template["parallelism"]))
            if template.get("failFast"):
                self._fail_fast.add(node.id)

    @contextlib.asynccontextmanager
    async def turn(self, boundary: Node | None) -> AsyncIterator[None]:
        """Wait until the boundary's `parallelism` lets one more child run. Raises FailFastError where none may."""
        limit = self._limits.get(boundary.id) if boundary else None
        if limit is None:
            yield
            return
        async with limit:
            if boundary is not None and boundary.id in self._fail_fast & self.broken:
                raise FailFastError("template has failed or errored children and failFast enabled")
            yield

    def publish(self, node: Node) -> None:
        """Outputs with a globalName become `workflow.outputs.*`; the last writer wins."""
        for parameter in node.outputs.get("parameters") or []:
            name, value = parameter.get("globalName"), parameter.get("value")
            if name and value is not None:
                self.globals[f"workflow.outputs.parameters.{name}"] = value
                self._put("parameters", {"name": name, "value": value})
        for artifact in node.outputs.get("artifacts") or []:
            name = artifact.get("globalName")
            if name:
                self.global_artifacts[f"workflow.outputs.artifacts.{name}"] = artifact
                kept = {key: value for key, value in artifact.items() if key != "globalName"}
                self._put("artifacts", {**kept, "name": name})

    def _put(self, kind: str, item: dict[str, Any]) -> None:
        items = self.outputs.setdefault(kind, [])
        before = by_name(items, item["name"])
        if before is None:
            items.append(item)
        else:
            before.update(item)

    def end(self, reason: str) -> None:
        """Start no more steps and end those that run, exit handlers excepted."""
        self.ended = self.ended or reason
        self.give_up.set()
        self.processes.end_all(reason, keep=frozenset(self.exit_pods))

    def terminate(self, reason: str) -> None:
        """End everything at once, exit handlers too."""
        self.ended = self.ended or reason
        self.terminated = True
        self.give_up_exit.set()
        self.processes.end_all(reason, at_once=True)
