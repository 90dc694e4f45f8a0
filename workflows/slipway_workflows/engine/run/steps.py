"""A steps template: its groups run one after the other, the steps of a group at the same time."""

import asyncio

from slipway_steps.domain.errors import SlipwayError
from slipway_workflows.engine.errors import ExpressionError, FailFastError, HookError, NodeError, TemplateTimeout
from slipway_workflows.engine.language import govaluate
from slipway_workflows.engine.manifests.templates import Context, Template, TemplateCaller
from slipway_workflows.engine.run.hooks import Hooks, resolve_artifacts
from slipway_workflows.engine.run.loops import expand, expands
from slipway_workflows.engine.run.operation import Operation
from slipway_workflows.engine.run.outputs import composite_outputs
from slipway_workflows.engine.run.place import Place
from slipway_workflows.engine.run.references import continues_on, drop_absent_arguments, fill_caller
from slipway_workflows.engine.run.scopes import Scope
from slipway_workflows.engine.state.nodes import Node


async def execute_steps(operation: Operation, node: Node, template: Template, context: Context, on_exit: bool) -> None:
    """Run the groups of a steps template as `node`, which has its outputs and its final phase afterwards.

    Raises NodeError and ExpressionError where the template itself is at fault: an output without a value, a hook.
    """
    tree = operation.tree
    scope = Scope()
    scope.add_inputs(template)
    ends: list[Node] = [node]
    for index, group in enumerate(template["steps"]):
        place = Place(node, tuple(ends), node, on_exit)
        group_node = operation.create(f"{node.name}[{index}]", "StepGroup", {}, context.template_scope, place)
        runner = _Group(operation, node, template, context, scope, group_node, on_exit)
        await runner.run(group)
        ends = [end for child in tree.children(group_node) for end in tree.outbound(child)] or [group_node]
        if group_node.failed:
            node.outbound = [end.id for end in ends if end is not group_node]
            tree.mark(node, "Failed", group_node.message)
            return
        for step in group:
            runner.add_outputs(step)
    node.outbound = [end.id for end in ends if end is not node and end.type != "StepGroup"]
    scope.artifacts.update(operation.global_outputs.artifacts)
    node.outputs = composite_outputs(operation, template, scope)
    tree.mark(node, "Succeeded")


class _Group:
    """Runs one group of steps. `node`: the steps node. `group`: the node of the group."""

    def __init__(
        self,
        operation: Operation,
        node: Node,
        template: Template,
        context: Context,
        scope: Scope,
        group: Node,
        on_exit: bool,
    ) -> None:
        self.operation = operation
        self.node = node
        self.template = template
        self.context = context
        self.scope = scope
        self.group = group
        self.on_exit = on_exit
        self.children: list[tuple[TemplateCaller, Node]] = []
        """The steps that have a node, with it; of a loop each item."""
        self._not_started = ""
        """Why a step could not be started though the group had begun: `failFast`, or the timeout of its template."""

    async def run(self, steps: list[TemplateCaller]) -> None:
        """Run all steps to their end, and put the group's node into its final phase."""
        tree = self.operation.tree
        try:
            resolved = [self._resolve(step) for step in steps]
            ready = [item for step in resolved for item in self._expand(step)]
        except SlipwayError as error:
            text = str(error)
            prefix = "" if text.startswith("withParam") else "failed to resolve references: "
            tree.mark(self.group, "Error", prefix + text)
            return
        results = await asyncio.gather(*(self._run_step(step) for step in ready), return_exceptions=True)
        order = {step["name"]: index for index, step in enumerate(ready)}
        self.children.sort(key=lambda pair: order[pair[0]["name"]])  # they were added in the order in which they ended
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, _GroupError):
                tree.mark(self.group, "Error", str(result))
                raise result
        for result in results:
            if isinstance(result, _GroupError):
                tree.mark(self.group, "Error", str(result))
                return
        if self._not_started:
            tree.mark(self.group, "Failed", self._not_started)
            return
        for step, child in self.children:
            if child.failed and not continues_on(step, child.phase):
                tree.mark(self.group, "Failed", f"child '{child.id}' failed")
                return
        tree.mark(self.group, "Succeeded")

    def add_outputs(self, step: TemplateCaller) -> None:
        """Add the outputs of a step to the scope, for later groups, as `steps.<name>`."""
        name, prefix = f"{self.group.name}.{step['name']}", f"steps.{step['name']}"
        child = self.operation.tree.get(name)
        if child is not None:
            template = None
            if child.phase == "Skipped":
                template = self.context.resolve(step)[0]
            self.scope.add_node(prefix, self.operation.tree.last_attempt(child), template)
            return
        loop = [found for _, found in self.children if found.name.startswith(f"{name}(")]
        self.scope.add_loop(prefix, loop, self.group.phase)

    def _resolve(self, step: TemplateCaller) -> TemplateCaller:
        """The step with the outputs of earlier steps filled in. Artifacts are left alone if its `when` is false."""
        values = {**self.operation.global_outputs.values, **self.scope.values}
        step = drop_absent_arguments(step, values, self.context)
        filled = fill_caller(step, values)
        if not expands(step) and filled.get("when") and not govaluate.evaluate(filled["when"]):
            return filled
        if filled.get("arguments"):
            artifacts = Scope(self.scope.values, {**self.scope.artifacts, **self.operation.global_outputs.artifacts})
            filled["arguments"] = resolve_artifacts(filled["arguments"], artifacts)
        return filled

    def _expand(self, step: TemplateCaller) -> list[TemplateCaller]:
        """The items of a loop, or the step itself; a loop without items gets a node that says it was skipped."""
        if not expands(step):
            return [step]
        items = expand(step)
        if not items:
            place = Place(self.node, (self.group,), self.group, self.on_exit)
            self._skip(step, place, "Skipped", "Skipped, empty params")
        return items

    async def _run_step(self, step: TemplateCaller) -> None:
        """Run one step, or one item of a loop, with its hooks. Raises _GroupError where the group gets phase Error."""
        operation, tree = self.operation, self.operation.tree
        name = f"{self.group.name}.{step['name']}"
        hooks = Hooks(operation, step, self.context, self.node, f"steps.{step['name']}", self.scope)
        tell = hooks.status_changed if step.get("hooks") else None
        place = Place(self.node, (self.group,), self.group, self.on_exit, referrer=self.template, tell_started=tell)
        try:
            proceed = not step.get("when") or govaluate.evaluate(step["when"])
        except ExpressionError as error:
            self._skip(step, place, "Error", str(error))
            raise _GroupError(str(error)) from error
        if not proceed:
            self.children.append((step, self._skip(step, place, "Skipped", f"when '{step['when']}' evaluated false")))
            return
        try:
            child = await operation.execute(operation, name, step, self.context, place)
        except (FailFastError, TemplateTimeout) as error:
            self._not_started = str(error)
            return
        except NodeError as error:
            failed = tree.get(name)
            if failed is not None:
                self.children.append((step, failed))
            raise _GroupError(f"step group deemed errored due to child {name} error: {error}") from error
        finally:
            await hooks.wait()
        self.children.append((step, child))
        try:
            await hooks.finish(child)
        except HookError as error:
            raise _GroupError(str(error)) from error

    def _skip(self, step: TemplateCaller, place: Place, phase: str, message: str) -> Node:
        name = f"{self.group.name}.{step['name']}"
        template_scope = self.context.template_scope
        return self.operation.create(name, "Skipped", step, template_scope, place, phase=phase, message=message)


class _GroupError(NodeError):
    """A step puts its group into phase Error. The steps node around it gets the phase Failed."""
