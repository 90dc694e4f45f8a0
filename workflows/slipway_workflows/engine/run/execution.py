"""Runs what a step, task, hook or workflow names: inputs, parallelism, locks, retries, then the template itself."""

import asyncio
from collections.abc import Callable

from slipway_steps.domain.errors import SlipwayError
from slipway_workflows.engine.errors import ExpressionError, NodeError, TemplateTimeout, UnforeseenError
from slipway_workflows.engine.language.durations import seconds
from slipway_workflows.engine.manifests.arguments import process
from slipway_workflows.engine.manifests.synchronization import locks_of
from slipway_workflows.engine.manifests.templates import Context, Template, TemplateCaller, node_type, template_type
from slipway_workflows.engine.run.dag import execute_dag
from slipway_workflows.engine.run.operation import Operation
from slipway_workflows.engine.run.place import Place
from slipway_workflows.engine.run.pod import execute_pod
from slipway_workflows.engine.run.resource import execute_resource
from slipway_workflows.engine.run.retry import Retries, last_retry
from slipway_workflows.engine.run.steps import execute_steps
from slipway_workflows.engine.run.suspend import execute_suspend
from slipway_workflows.engine.state.nodes import Node

MAX_DEPTH = 100
"""Templates within templates, as in Argo: a recursion without an end is an error, not a full memory."""


async def execute_template(
    operation: Operation, name: str, caller: TemplateCaller, context: Context, place: Place
) -> Node:
    """Run a template as the node `name`, to its end.

    Returns the node, whatever its phase. Raises NodeError where the node could not even be started: its node, if there
    is one, has phase Error then, and the template around it fails. Raises UnforeseenError where the engine itself
    failed: the node and all inside it that had not ended have phase Error then, and the run ends.
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
        attempt = Attempt(operation, caller, context, inner, template)
        if not locks:
            return await attempt.run(name, place, processed)

        def waits(message: str) -> None:
            node = operation.tree.get(name) or attempt.create(name, place, processed, phase="Pending")
            operation.tree.mark(node, "Pending", message)

        limit = seconds(processed["timeout"]) if processed.get("timeout") else None
        try:
            async with asyncio.timeout(limit):
                files = await operation.machine.locks.take(locks, waits, operation.shutdown.event(place.on_exit))
        except TimeoutError as error:
            operation.tree.mark(operation.tree.nodes[operation.tree.node_id(name)], "Failed", "timeout")
            raise TemplateTimeout("timeout") from error
        if files is None:
            return operation.tree.mark(
                operation.tree.nodes[operation.tree.node_id(name)], "Failed", operation.shutdown.reason
            )
        with operation.machine.locks.held(files):
            return await attempt.run(name, place, processed)


def _process(
    operation: Operation,
    name: str,
    caller: TemplateCaller,
    template: Template,
    place: Place,
    more: dict[str, str | None] | None = None,
) -> Template:
    # `steps.name` is why `{{=steps['x']?.y ?? z}}` in a steps template is z before any step has run: `steps` is there,
    # x is not. A task only has `tasks.name`.
    is_task = place.boundary is not None and place.boundary.type == "DAG" and not place.hooked
    own = "tasks.name" if is_task else "steps.name"
    values = {**operation.global_outputs.values, "node.name": name, own: str(caller.get("name") or ""), **(more or {})}
    if node_type(template) == "Pod":
        values["pod.name"] = operation.tree.node_id(name)
    return process(template, caller.get("arguments") or {}, operation.library, values)


def _depth(operation: Operation, boundary: Node | None) -> int:
    depth = 0
    while boundary is not None:
        depth += 1
        boundary = operation.tree.nodes.get(boundary.boundary)
    return depth


class Attempt:
    """One template about to run for one caller, once or, with a retryStrategy, several times."""

    def __init__(
        self, operation: Operation, caller: TemplateCaller, context: Context, inner: Context, template: Template
    ) -> None:
        self.operation = operation
        self.caller = caller
        self.context = context
        self.inner = inner
        self.template = template

    def create(self, name: str, place: Place, processed: Template, phase: str = "Running") -> Node:
        """Its node, with the inputs it got."""
        kind = "Retry" if processed.get("retryStrategy") is not None else node_type(processed)
        return self._create(name, kind, place, processed, phase)

    def _create(self, name: str, kind: str, place: Place, processed: Template, phase: str = "Running") -> Node:
        inputs = {key: value for key, value in (processed.get("inputs") or {}).items() if value}
        return self.operation.create(
            name, kind, self.caller, self.context.template_scope, place, phase=phase, inputs=inputs
        )

    async def run(self, name: str, place: Place, processed: Template) -> Node:
        """Run it, with its retries."""
        if processed.get("retryStrategy") is None:
            return await self._once(name, place, processed)
        tree = self.operation.tree
        node = tree.get(name) or self.create(name, place, processed)
        tree.mark(node, "Running")
        if place.started:
            place.started(node)
        retries = Retries(processed["retryStrategy"], tree, node, self.operation)
        while True:
            values = retries.values()
            number = values["retries"]
            again = Place(place.boundary, (node,), node, place.on_exit, referrer=place.referrer)
            try:
                own = _process(self.operation, f"{name}({number})", self.caller, self.template, place, values)
                last = await self._once(f"{name}({number})", again, own)
            except (NodeError, ExpressionError) as error:
                started = tree.get(f"{name}({number})")
                if started is None or not retries.after_errors:
                    tree.mark(node, "Error", str(error))
                    raise NodeError(str(error)) from error
                last = started
            last.flags["retried"] = True
            if not await retries.again(last, place.on_exit):
                return node

    async def _once(self, name: str, place: Place, processed: Template) -> Node:
        operation = self.operation
        node = operation.tree.get(name) or self._create(name, node_type(processed), place, processed)
        if node.phase == "Pending":
            operation.tree.mark(node, "Running")
        if place.started:
            place.started(node)
        operation.parallelism.limit_children(node, processed)
        kind = template_type(processed)
        try:
            if kind in ("container", "script"):
                await execute_pod(operation, node, processed, self._localiser(node, place), place)
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

    def _localiser(self, node: Node, place: Place) -> Callable[[Callable[[Template], Template]], Template]:
        """Gives the template of a pod, its own paths rewritten, the same inputs; see `paths`."""
        values = self.retry_values(node)
        return lambda rewrite: _process(self.operation, node.name, self.caller, rewrite(self.template), place, values)

    def retry_values(self, node: Node) -> dict[str, str | None]:
        """`retries` and `lastRetry.*` for a try of a Retry node."""
        above = self.operation.tree.nodes.get(node.parent or "")
        if above is None or above.type != "Retry":
            return {}
        tries = [child for child in self.operation.tree.attempts(above) if child.id != node.id]
        return {**last_retry(tries[-1] if tries else None), "retries": str(len(tries))}
