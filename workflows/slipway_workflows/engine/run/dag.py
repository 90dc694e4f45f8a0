"""A dag template: each task starts when the tasks it depends on have ended."""

import asyncio
from dataclasses import replace

from slipway_steps.domain.errors import SlipwayError
from slipway_workflows.engine.errors import ExpressionError, FailFastError, HookError, NodeError, TemplateTimeout
from slipway_workflows.engine.language import govaluate
from slipway_workflows.engine.manifests.depends import Condition, conditions_of, targets_of
from slipway_workflows.engine.manifests.templates import Context, Template, TemplateCaller
from slipway_workflows.engine.run.dag_phase import dag_phase
from slipway_workflows.engine.run.gather import gather_all
from slipway_workflows.engine.run.hooks import Hooks, resolve_artifacts
from slipway_workflows.engine.run.loops import expand, expands
from slipway_workflows.engine.run.operation import Operation
from slipway_workflows.engine.run.outputs import composite_outputs
from slipway_workflows.engine.run.place import Place
from slipway_workflows.engine.run.references import drop_absent_arguments, fill_caller
from slipway_workflows.engine.run.scopes import Scope
from slipway_workflows.engine.state.nodes import Node


async def execute_dag(operation: Operation, node: Node, template: Template, context: Context, on_exit: bool) -> None:
    """Run the tasks of a dag template as `node`, which has its outputs and its final phase afterwards.

    Raises NodeError and ExpressionError where the template itself is at fault: an output without a value, a hook.
    """
    graph = _Graph(operation, node, template, context, on_exit)
    await graph.run()
    targets = graph.targets
    tree = operation.tree
    phase = dag_phase(tree, node, {name: graph.tasks[name] for name in targets})
    if phase != "Succeeded":
        node.outbound = graph.ends(targets)
        tree.mark(node, phase)
        return
    scope = Scope()
    scope.add_inputs(template)
    for name in graph.tasks:
        graph.add_outputs(name, scope)
    scope.artifacts.update(operation.global_outputs.artifacts)
    node.outputs = composite_outputs(operation, template, scope)
    # only now: if an output has no value, the dag node gets no outbound nodes, as with Argo's controller
    node.outbound = graph.ends(targets)
    tree.mark(node, "Succeeded")


class _Graph:
    """The tasks of one dag while it runs."""

    def __init__(self, operation: Operation, node: Node, template: Template, context: Context, on_exit: bool) -> None:
        self.operation = operation
        self.node = node
        self.template = template
        self.context = context
        self.on_exit = on_exit
        self.tasks: dict[str, TemplateCaller] = {task["name"]: task for task in template["dag"].get("tasks") or []}
        self.conditions: dict[str, Condition] = conditions_of(template)
        self.targets = targets_of(template)
        self.loops: dict[str, list[Node]] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._with_unfinished_hooks: dict[str, tuple[Hooks, Node]] = {}
        """Tasks that have ended, but whose hooks have not been told of it yet; see `_run_hooks_of_ended`."""
        self._told_late: list[Hooks] = []
        """The hooks of such tasks that have been told since, and that may still run."""

    async def run(self) -> None:
        """Run all targets, and the tasks that they depend on."""
        for target in self.targets:
            self._start(target)
        try:
            await gather_all(self._running.values())
        finally:
            for hooks in self._told_late:
                await hooks.wait()

    def _start(self, name: str) -> "asyncio.Task[None]":
        if name not in self._running:
            before = [self._start(dependency) for dependency in self.conditions[name].names]
            self._running[name] = asyncio.ensure_future(self._run(name, before))
        return self._running[name]

    def node_of(self, name: str) -> Node | None:
        """The node of the task `name`, or None where it has none yet."""
        return self.operation.tree.get(f"{self.node.name}.{name}")

    def ends(self, targets: list[str]) -> list[str]:
        """The ids of the nodes at which these targets end: the outbound nodes of the dag."""
        found = [self.node_of(target) for target in targets]
        ends = [end.id for node in found if node is not None for end in self.operation.tree.outbound(node)]
        return list(dict.fromkeys(ends))

    def add_outputs(self, name: str, scope: Scope) -> None:
        """Add the outputs of a task that has ended to a scope, as `tasks.<name>`."""
        found, prefix = self.node_of(name), f"tasks.{name}"
        if found is None:
            return
        if found.type == "TaskGroup":
            scope.add_loop(prefix, self.loops.get(name, []), found.phase)
            return
        skipped = found.phase in ("Skipped", "Omitted")
        template = self.context.resolve(self.tasks[name])[0] if skipped else None
        scope.add_node(prefix, self.operation.tree.last_attempt(found), template)

    def _place_of(self, name: str) -> Place:
        tree, ends = self.operation.tree, []
        for dependency in self.conditions[name].names:
            found = self.node_of(dependency)
            ends += tree.outbound(found) if found is not None else []
        parents = tuple(ends) if self.conditions[name].names else (self.node,)
        return Place(self.node, parents, self.node, self.on_exit, referrer=self.template)

    async def _run(self, name: str, before: "list[asyncio.Task[None]]") -> None:
        """Run a task when those `before` it have ended: its `depends`, its arguments, its items, then its template."""
        if before:
            await asyncio.wait(before)
        task = self.tasks[name]
        try:
            met = self._condition_met(name)
            if not met:
                self._skip(name, task, "Omitted", "omitted: depends condition not met")
                return
            scope = Scope()
            scope.add_inputs(self.template)
            for ancestor in self._ancestors(name):
                self.add_outputs(ancestor, scope)
            scope.artifacts.update(self.operation.global_outputs.artifacts)
            task = self._resolve(task, scope)
            items = expand(task) if expands(task) else [task]
        except SlipwayError as error:
            self._skip(name, self.tasks[name], "Error", str(error))
            return
        if not items:
            self._skip(name, task, "Skipped", "Skipped, empty params")
            return
        if not expands(self.tasks[name]):
            await self._run_single(task, scope, self._place_of(name), name)
            return
        await self._run_loop(name, items, scope)

    async def _run_loop(self, name: str, items: list[TemplateCaller], scope: Scope) -> None:
        """Run the items of a task with a loop, under a node of type TaskGroup."""
        full_name, task, tree = f"{self.node.name}.{name}", self.tasks[name], self.operation.tree
        group = self.operation.create(full_name, "TaskGroup", task, self.context.template_scope, self._place_of(name))
        self._tell_hooks_of_dependencies(name)
        hooks = self._hooks(name, task, scope)

        def item_started(_: Node) -> None:
            hooks.status_changed(group)

        inside = Place(self.node, (group,), group, self.on_exit, referrer=self.template, tell_started=item_started)
        without_hooks = [{**item, "hooks": None, "onExit": None} for item in items]
        found = await gather_all(self._run_single(item, scope, inside, name) for item in without_hooks)
        self.loops[name] = [child for child in found if child is not None]
        for child in _items_with_exit_hook(self.loops[name]):
            await hooks.run_exit(child)
        phases = [child.phase for child in self.loops[name] if child.failed]
        tree.mark(group, phases[-1] if phases else "Succeeded")
        await self._run_hooks_of_ended(name, group, hooks)

    async def _run_hooks_of_ended(self, name: str, node: Node, hooks: Hooks) -> None:
        """Run the hooks of a task that has ended, at the time at which Argo's controller would.

        A pod ends between two reconciliations of the workflow; in the next one the controller runs its hooks before
        anything else. A node of another type ends during a reconciliation. There the controller runs its exit hook at
        once, but its other hooks only when it processes the task again. If a task that depends on this one still waits
        for other tasks, or the task is a target, the controller processes it again soon: its hooks are run here.
        Otherwise the tasks that depend on it begin first, and its hooks after that; see `_tell_hooks_of_dependencies`.
        """
        try:
            if node.type in ("Pod", "Suspend"):
                await hooks.finish(node)
                return
            exited = await hooks.run_exit(node)
            if exited or name in self.targets or self._is_waited_for(name):
                await hooks.run_status_hooks(node)
            else:
                self._with_unfinished_hooks[name] = (hooks, node)
        except HookError as error:
            self.operation.tree.mark(node, "Error", str(error))

    def _is_waited_for(self, name: str) -> bool:
        """Whether a task that depends on this one still waits for another task as well."""
        for condition in self.conditions.values():
            if name in condition.names:
                others = [self.node_of(other) for other in condition.names if other != name]
                if any(other is None or not other.fulfilled for other in others):
                    return True
        return False

    def _tell_hooks_of_dependencies(self, name: str) -> None:
        """Tell the hooks of the tasks before `name`, which begins to run, how these have ended, if they do not know.

        Argo's controller processes an ended task again only while a task that depends on it has not ended. So its hooks
        start when such a task begins; see `_run_hooks_of_ended`.
        """
        for other in self.conditions[name].names:
            if other in self._with_unfinished_hooks:
                hooks, ended = self._with_unfinished_hooks.pop(other)
                hooks.status_changed(ended)
                self._told_late.append(hooks)

    def _skip(self, name: str, task: TemplateCaller, phase: str, message: str) -> None:
        """Add the node of a task that does not run."""
        full_name = f"{self.node.name}.{name}"
        self.operation.create(
            full_name, "Skipped", task, self.context.template_scope, self._place_of(name), phase=phase, message=message
        )

    def _hooks(self, name: str, task: TemplateCaller, scope: Scope) -> Hooks:
        return Hooks(self.operation, task, self.context, self.node, f"tasks.{name}", scope)

    def _condition_met(self, name: str) -> bool:
        """Whether the `depends` of a task holds, now that the tasks it names have ended."""
        nodes = {other: self.node_of(other) for other in self.conditions[name].names}
        phases = {other: node.phase for other, node in nodes.items() if node is not None}
        under = {
            other: [child.phase for child in self.operation.tree.children(node)]
            for other, node in nodes.items()
            if node is not None and node.type == "TaskGroup"
        }
        return self.conditions[name].met(phases, under)

    def _ancestors(self, name: str) -> list[str]:
        """The names of all tasks that a task depends on, directly or through others."""
        found: dict[str, None] = {}
        queue = list(self.conditions[name].names)
        for other in queue:
            if other not in found:
                found[other] = None
                queue += self.conditions[other].names
        return list(found)

    def _resolve(self, task: TemplateCaller, scope: Scope) -> TemplateCaller:
        """The task with the outputs of earlier tasks filled in. Artifacts are left alone if its `when` is false."""
        values = {**self.operation.global_outputs.values, **scope.values}
        task = drop_absent_arguments(task, values, self.context)
        filled = fill_caller(task, values)
        if not expands(task) and filled.get("when") and not govaluate.evaluate(filled["when"]):
            return filled
        if filled.get("arguments"):
            filled["arguments"] = resolve_artifacts(filled["arguments"], scope)
        return filled

    async def _run_single(self, task: TemplateCaller, scope: Scope, place: Place, name: str) -> Node | None:
        """Run the task `name`, or one item of it; returns its node, or None where `failFast` kept it from starting."""
        operation = self.operation
        full_name = f"{self.node.name}.{task['name']}"
        template_scope = self.context.template_scope
        try:
            proceed = not task.get("when") or govaluate.evaluate(task["when"])
        except ExpressionError as error:
            return operation.create(
                full_name, "Skipped", task, template_scope, place, phase="Error", message=str(error)
            )
        if not proceed:
            text = f"when '{task['when']}' evaluated false"
            return operation.create(full_name, "Skipped", task, template_scope, place, phase="Skipped", message=text)
        self._tell_hooks_of_dependencies(name)
        hooks = self._hooks(name, task, scope)
        if task.get("hooks") and task["name"] == name:
            place = replace(place, tell_started=hooks.status_changed)
        try:
            child = await operation.execute(operation, full_name, task, self.context, place)
        except FailFastError:
            return None
        except TemplateTimeout:
            child = operation.tree.nodes[operation.tree.node_id(full_name)]
        except NodeError as error:
            child = operation.tree.get(full_name) or operation.create(full_name, "Skipped", task, template_scope, place)
            return operation.tree.mark(child, "Error", f"task '{full_name}' errored: {error}")
        finally:
            await hooks.wait()
        if task["name"] == name:
            await self._run_hooks_of_ended(name, child, hooks)
        return child


def _items_with_exit_hook(items: list[Node]) -> list[Node]:
    """The items of a loop whose exit hook Argo's controller runs.

    If all are pods, that is the first one only: pods end by themselves, so that the controller finds the whole loop
    ended once this hook has begun. An item of another type ends only when the controller processes it, which it does
    after the exit hook of the item before it; so each of them gets its hook.
    """
    ended = [item for item in items if item.completed]
    return ended[:1] if all(item.type == "Pod" for item in ended) else ended
