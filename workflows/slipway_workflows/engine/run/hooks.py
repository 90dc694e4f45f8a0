"""Lifecycle hooks of steps and tasks, and their exit hooks."""

import asyncio
from typing import Any

from slipway_workflows.engine.errors import ExpressionError, HookError, NodeError
from slipway_workflows.engine.language.expressions import evaluate, evaluate_bool
from slipway_workflows.engine.language.texts import fill
from slipway_workflows.engine.manifests.arguments import LOCATIONS
from slipway_workflows.engine.manifests.templates import Context, TemplateCaller
from slipway_workflows.engine.run.gather import gather_all
from slipway_workflows.engine.run.operation import Operation
from slipway_workflows.engine.run.place import Place
from slipway_workflows.engine.run.scopes import Scope
from slipway_workflows.engine.state.nodes import Node


def exit_hook(caller: TemplateCaller) -> TemplateCaller | None:
    """What runs after a step: `hooks.exit`, or the older `onExit`, which gets no arguments."""
    hook: TemplateCaller | None = (caller.get("hooks") or {}).get("exit")
    if hook is None and caller.get("onExit"):
        return {"template": caller["onExit"]}
    return hook


class Hooks:
    """The hooks of one node. `prefix`: `steps.<name>` or `tasks.<name>`."""

    def __init__(
        self, operation: Operation, caller: TemplateCaller, context: Context, boundary: Node, prefix: str, scope: Scope
    ) -> None:
        self.operation = operation
        self.caller = caller
        self.context = context
        self.boundary = boundary
        self.prefix = prefix
        self.scope = scope
        self._fired: dict[str, asyncio.Task[Node]] = {}
        self._fault: ExpressionError | None = None

    def status_changed(self, node: Node) -> None:
        """Start the hooks whose expression holds now; what cannot be evaluated is said by `finish`."""
        for name, hook in (self.caller.get("hooks") or {}).items():
            if name == "exit" or name in self._fired or not self.operation.shutdown.may_run(True):
                continue
            values = {**self.operation.global_outputs.values, **self.scope.values, f"{self.prefix}.status": node.phase}
            try:
                holds = evaluate_bool(hook.get("expression") or "true", values)
            except ExpressionError as error:
                self._fault = self._fault or error
                continue
            if holds:
                self._fired[name] = asyncio.ensure_future(self._run(node, f"{node.name}.hooks.{name}", hook, values))

    async def wait(self) -> None:
        """Wait for the hooks that have started, for a node that could not be run: its own error is what counts."""
        await asyncio.gather(*self._fired.values(), return_exceptions=True)

    async def finish(self, node: Node) -> None:
        """After the node has ended: its last hooks, then its exit hook. A failing hook does not fail the step.

        Raises HookError where the expression of a hook cannot be evaluated, ExpressionError for that of the exit hook,
        NodeError where a hook cannot be started.
        """
        await self.run_last(node)
        await self.run_exit(node)

    async def run_last(self, node: Node) -> None:
        """All hooks but the exit hook, for the node's present phase. Raises HookError, NodeError."""
        self.status_changed(node)
        await gather_all(self._fired.values())
        if self._fault is not None:
            raise HookError(str(self._fault))

    async def run_exit(self, node: Node) -> bool:
        """The exit hook alone; returns whether it ran.

        Raises ExpressionError where its expression cannot be evaluated, NodeError where it cannot be started.
        """
        hook = exit_hook(self.caller)
        if hook is None or not node.completed or self.operation.shutdown.terminated:
            return False
        values = {**self.operation.global_outputs.values, **self.scope.values, f"{self.prefix}.status": node.phase}
        if hook.get("expression") and not evaluate_bool(hook["expression"], values):
            return False
        await self._run(node, f"{node.name}.onExit", hook, values)
        return True

    async def _run(self, node: Node, name: str, hook: TemplateCaller, values: dict[str, str | None]) -> Node:
        arguments = hook.get("arguments") or {}
        outputs = self.operation.tree.last_attempt(node).outputs
        # as on the real controller, a hook that runs before there are outputs gets its arguments as they are written
        if outputs or name.endswith(".onExit"):
            arguments = self._filled(arguments, outputs, values)
        place = Place(self.boundary, (node,), node, on_exit=True, hooked=True)
        started = {"template": hook.get("template"), "templateRef": hook.get("templateRef"), "arguments": arguments}
        return await self.operation.execute(self.operation, name, started, self.context, place)

    def _filled(
        self, arguments: dict[str, Any], outputs: dict[str, Any], values: dict[str, str | None]
    ) -> dict[str, Any]:
        own = Scope(dict(values), {**self.scope.artifacts, **self.operation.global_outputs.artifacts})
        # only the outputs: the exit code of the step stays unresolved here, on the real controller too
        for parameter in outputs.get("parameters") or []:
            if parameter.get("value") is not None:
                own.values[f"{self.prefix}.outputs.parameters.{parameter['name']}"] = parameter["value"]
        if outputs.get("result") is not None:
            own.values[f"{self.prefix}.outputs.result"] = outputs["result"]
        for artifact in outputs.get("artifacts") or []:
            own.artifacts[f"{self.prefix}.outputs.artifacts.{artifact['name']}"] = artifact
        return resolve_artifacts(fill(arguments, own.values), own)


def resolve_artifacts(arguments: dict[str, Any], scope: Scope) -> dict[str, Any]:
    """Arguments whose artifacts say where they lie, not which step made them. Raises NodeError, ExpressionError."""
    if not arguments.get("artifacts"):
        return arguments
    resolved = []
    for artifact in arguments["artifacts"]:
        if not (artifact.get("from") or artifact.get("fromExpression")):
            resolved.append(artifact)
            continue
        try:
            found = resolve_artifact(artifact, scope)
        except NodeError:
            if artifact.get("optional"):
                continue
            raise
        resolved.append(found)
    return {**arguments, "artifacts": resolved}


def resolve_artifact(artifact: dict[str, Any], scope: Scope) -> dict[str, Any]:
    """One artifact with `from` or `fromExpression` replaced by its place. Raises NodeError, ExpressionError."""
    if artifact.get("from"):
        found = scope.artifact(artifact["from"])
    else:
        chosen = evaluate(artifact["fromExpression"], {**scope.values, **scope.artifacts})
        if not isinstance(chosen, dict):
            raise NodeError(f"Unable to resolve: fromExpression {artifact['fromExpression']}")
        found = chosen
    places: dict[str, Any] = {key: found[key] for key in LOCATIONS if key in found}
    if artifact.get("subPath") and places.get("s3"):
        places["s3"] = {**places["s3"], "key": f"{places['s3']['key']}/{artifact['subPath']}"}
    kept: dict[str, Any] = {
        key: artifact[key] for key in ("name", "path", "optional", "mode", "globalName") if key in artifact
    }
    return {**kept, **places}
