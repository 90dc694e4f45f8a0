"""Runs the template that a step, task, hook or workflow names, as one node.

In this order: parallelism, inputs, locks, retries, and then the template itself, by the module of its type.
"""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

from slipway_steps.domain.errors import SlipwayError
from slipway_workflows.engine.errors import ExpressionError, NodeError, TemplateTimeout, UnforeseenError
from slipway_workflows.engine.language.durations import seconds
from slipway_workflows.engine.manifests.arguments import process
from slipway_workflows.engine.manifests.synchronization import Lock, locks_of
from slipway_workflows.engine.manifests.templates import Context, Template, TemplateCaller, node_type, template_type
from slipway_workflows.engine.run.dag import execute_dag
from slipway_workflows.engine.run.operation import Operation
from slipway_workflows.engine.run.place import Place
from slipway_workflows.engine.run.pod import FillRewritten, execute_pod
from slipway_workflows.engine.run.resource import execute_resource
from slipway_workflows.engine.run.retry import Retries, last_retry
from slipway_workflows.engine.run.steps import execute_steps
from slipway_workflows.engine.run.suspend import execute_suspend
from slipway_workflows.engine.state.nodes import Node

MAX_DEPTH = 100
"""How deep templates may be nested, as in Argo: so a recursion without an end becomes an error."""


async def execute_template(
    operation: Operation, name: str, caller: TemplateCaller, context: Context, place: Place
) -> Node:
    """Run the template that `caller` names as the node `name`, to its end.

    `context`: where the caller's names are looked up. `place`: where the node belongs. Returns the node, whatever its
    phase. Raises NodeError where the node could not be started or finished: it has phase Error then, if it exists, and
    the template around it fails. Raises UnforeseenError where the engine itself failed: then the node and all nodes
    inside of it that had not ended have phase Error, and the run ends.
    """
    try:
        return await _execute(operation, name, caller, context, place)
    except UnforeseenError as error:
        _mark_unfinished(operation, name, str(error))
        raise
    except SlipwayError:
        raise
    except Exception as error:
        unforeseen = operation.faults.record(error, f"node {name}")
        if operation.tree.get(name) is None:
            operation.create(name, "Skipped", caller, context.template_scope, place)
        _mark_unfinished(operation, name, str(unforeseen))
        raise unforeseen from error


def _mark_unfinished(operation: Operation, name: str, message: str) -> None:
    """Give the node `name` and all nodes inside of it that have not ended the phase Error."""
    inside = (f"{name}.", f"{name}[", f"{name}(")
    for node in list(operation.tree.nodes.values()):
        if not node.fulfilled and (node.name == name or node.name.startswith(inside)):
            operation.tree.mark(node, "Error", message)


async def _execute(operation: Operation, name: str, caller: TemplateCaller, context: Context, place: Place) -> Node:
    restored = operation.retry_plan.restored(operation.tree, name, place) if operation.retry_plan is not None else []
    if restored:
        for node in sorted(restored, key=lambda node: node.finished):
            operation.global_outputs.publish(node)
        return restored[0]
    try:
        template, inner = context.resolve(caller)
    except SlipwayError as error:
        raise NodeError(error.message) from error
    async with operation.parallelism.child(place.boundary):
        try:
            processed = _process(operation, name, caller, template, place)
            locks = locks_of(processed.get("synchronization"), operation.library)
        except SlipwayError as error:
            operation.create(name, "Skipped", caller, context.template_scope, place, phase="Error", message=str(error))
            raise NodeError(str(error)) from error
        if _depth(operation, place.boundary) >= MAX_DEPTH:
            raise NodeError(f"template {template.get('name')}: maximum recursion depth exceeded")
        execution = _Execution(operation, caller, context, inner, template)
        if not locks:
            return await execution.run(name, place, processed)
        return await _run_locked(execution, locks, name, place, processed)


async def _run_locked(execution: "_Execution", locks: list[Lock], name: str, place: Place, processed: Template) -> Node:
    """Run the template once its mutexes and semaphores are taken."""
    operation = execution.operation

    def waits(message: str) -> None:
        node = operation.tree.get(name) or execution.create(name, place, processed, phase="Pending")
        operation.tree.mark(node, "Pending", message)

    limit, since = seconds(processed["timeout"]) if processed.get("timeout") else None, time.time()
    try:
        async with asyncio.timeout(limit):
            files = await operation.machine.locks.take(locks, waits, operation.shutdown.event(place.on_exit))
    except TimeoutError as error:
        operation.tree.mark(operation.tree.nodes[operation.tree.node_id(name)], "Failed", "timeout")
        raise TemplateTimeout("timeout") from error
    operation.machine.timings.queued(operation.tree.node_id(name), since)
    if files is None:
        return operation.tree.mark(
            operation.tree.nodes[operation.tree.node_id(name)], "Failed", operation.shutdown.reason
        )
    with operation.machine.locks.held(files):
        return await execution.run(name, place, processed)


def _process(
    operation: Operation,
    name: str,
    caller: TemplateCaller,
    template: Template,
    place: Place,
    more: dict[str, str | None] | None = None,
) -> Template:
    """The template as the node `name` runs it, with its inputs. `more`: names that only an attempt has."""
    # In a steps template `steps.name` is always known, in a dag `tasks.name`. So `{{=steps['x']?.y ?? z}}` gives z in a
    # steps template even before any step has run, as the map `steps` exists there; in a dag it does not.
    is_task = place.boundary is not None and place.boundary.type == "DAG" and not place.hooked
    own = "tasks.name" if is_task else "steps.name"
    values = {**operation.global_outputs.values, "node.name": name, own: str(caller.get("name") or ""), **(more or {})}
    if node_type(template) == "Pod":
        values["pod.name"] = operation.tree.node_id(name)
    return process(template, caller.get("arguments") or {}, operation.library, values)


def _depth(operation: Operation, boundary: Node | None) -> int:
    """How many steps and dag nodes are around a node. `boundary`: its boundary."""
    depth = 0
    while boundary is not None:
        depth += 1
        boundary = operation.tree.nodes.get(boundary.boundary)
    return depth


class _Execution:
    """Runs one template for one caller: once or, with a retryStrategy, several times.

    `context`: where the caller's names are looked up. `inner`: where the names inside of the template are looked up.
    """

    def __init__(
        self, operation: Operation, caller: TemplateCaller, context: Context, inner: Context, template: Template
    ) -> None:
        self.operation = operation
        self.caller = caller
        self.context = context
        self.inner = inner
        self.template = template

    def create(self, name: str, place: Place, processed: Template, phase: str = "Running") -> Node:
        """Add the node of the execution to the tree, with its inputs."""
        kind = "Retry" if processed.get("retryStrategy") is not None else node_type(processed)
        return self._create(name, kind, place, processed, phase)

    def _create(self, name: str, kind: str, place: Place, processed: Template, phase: str = "Running") -> Node:
        inputs = {key: value for key, value in (processed.get("inputs") or {}).items() if value}
        return self.operation.create(
            name, kind, self.caller, self.context.template_scope, place, phase=phase, inputs=inputs
        )

    def run(self, name: str, place: Place, processed: Template) -> Coroutine[Any, Any, Node]:
        """Run the template, and retry it as its retryStrategy says; returns the node. Raises as `execute_template`."""
        # no coroutine around the other: of thousands that wait for parallelism each has a frame
        once = processed.get("retryStrategy") is None
        return self._once(name, place, processed) if once else self._with_retries(name, place, processed)

    async def _with_retries(self, name: str, place: Place, processed: Template) -> Node:
        tree = self.operation.tree
        node = tree.get(name) or self.create(name, place, processed)
        tree.mark(node, "Running")
        if place.tell_started:
            place.tell_started(node)
        retries = Retries(processed["retryStrategy"], tree, node, self.operation)
        while True:
            values = retries.values()
            number = values["retries"]
            of_attempt = Place(place.boundary, (node,), node, place.on_exit, referrer=place.referrer)
            try:
                own = _process(self.operation, f"{name}({number})", self.caller, self.template, place, values)
                last = await self._once(f"{name}({number})", of_attempt, own)
            except (NodeError, ExpressionError) as error:
                started = tree.get(f"{name}({number})")
                if started is None or not retries.after_errors:
                    tree.mark(node, "Error", str(error))
                    raise NodeError(str(error)) from error
                last = started
            last.flags["retried"] = True
            if not await retries.may_retry(last, place.on_exit):
                return node

    async def _once(self, name: str, place: Place, processed: Template) -> Node:
        """Run the template one time, as the node `name`."""
        operation = self.operation
        node = operation.tree.get(name) or self._create(name, node_type(processed), place, processed)
        if node.phase == "Pending":
            operation.tree.mark(node, "Running")
        if place.tell_started:
            place.tell_started(node)
        operation.parallelism.limit_children(node, processed)
        kind = template_type(processed)
        try:
            if kind in ("container", "script"):
                await execute_pod(operation, node, processed, self._fill_rewritten(node, place), place)
            elif kind == "resource":
                await execute_resource(operation, node, processed, place.on_exit)
            elif kind == "suspend":
                await execute_suspend(operation, node, processed, place.on_exit)
            elif kind == "steps":
                await execute_steps(operation, node, processed, self.inner, place.on_exit)
            else:
                await execute_dag(operation, node, processed, self.inner, place.on_exit)
        except UnforeseenError:
            raise
        except SlipwayError as error:
            operation.tree.mark(node, "Error", str(error))
            raise NodeError(str(error)) from error
        operation.global_outputs.publish(node)
        if node.failed:
            operation.parallelism.child_failed(node.boundary)
        return node

    def _fill_rewritten(self, node: Node, place: Place) -> FillRewritten:
        """The function that gives a pod its template with other paths; see `pod.FillRewritten`."""
        values = self._retry_values(node)
        return lambda rewrite: _process(self.operation, node.name, self.caller, rewrite(self.template), place, values)

    def _retry_values(self, node: Node) -> dict[str, str | None]:
        """The values of `retries` and `lastRetry.*` for an attempt of a Retry node; none for any other node."""
        above = self.operation.tree.nodes.get(node.parent or "")
        if above is None or above.type != "Retry":
            return {}
        earlier = [child for child in self.operation.tree.attempts(above) if child.id != node.id]
        return {**last_retry(earlier[-1] if earlier else None), "retries": str(len(earlier))}
