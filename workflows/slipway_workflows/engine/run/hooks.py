"""The lifecycle hooks of steps and tasks.

A status hook runs once, when its expression first holds; the exit hook runs after the step or task has ended.
"""

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
    """The exit hook of a step or task: `hooks.exit`, or else the older `onExit`, which gets no arguments."""
    hook: TemplateCaller | None = (caller.get("hooks") or {}).get("exit")
    if hook is None and caller.get("onExit"):
        return {"template": caller["onExit"]}
    return hook


class Hooks:
    """The hooks of one step or task, `caller`.

    `context`: where its names are looked up. `boundary`: the steps or dag node it belongs to. `prefix`: the beginning
    of its names in expressions, `steps.<name>` or `tasks.<name>`. `scope`: the outputs that its arguments can read.
    """

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
        """Start the status hooks whose expressions hold for the present phase of `node`, and that have not run.

        An expression that cannot be evaluated is reported later, by `run_status_hooks`.
        """
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
        """Wait until the status hooks that have started have ended; their errors are ignored here."""
        await asyncio.gather(*self._fired.values(), return_exceptions=True)

    async def finish(self, node: Node) -> None:
        """Run the hooks of a node that has ended: its status hooks, then its exit hook.

        A hook that fails does not fail the step. Raises HookError where the expression of a status hook cannot be
        evaluated, ExpressionError for that of the exit hook, NodeError where a hook cannot be started.
        """
        await self.run_status_hooks(node)
        await self.run_exit(node)

    async def run_status_hooks(self, node: Node) -> None:
        """Start the status hooks whose expressions hold now, and wait for all that have started.

        Raises HookError where an expression could not be evaluated, NodeError where a hook cannot be started.
        """
        self.status_changed(node)
        await gather_all(self._fired.values())
        if self._fault is not None:
            raise HookError(str(self._fault))

    async def run_exit(self, node: Node) -> bool:
        """Run the exit hook, if there is one and its expression holds; returns whether it ran.

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
        # as in Argo's controller, a status hook that starts before there are outputs gets arguments with unfilled tags
        if outputs or name.endswith(".onExit"):
            arguments = self._filled(arguments, outputs, values)
        place = Place(self.boundary, (node,), node, on_exit=True, hooked=True)
        filled = {"template": hook.get("template"), "templateRef": hook.get("templateRef"), "arguments": arguments}
        return await self.operation.execute(self.operation, name, filled, self.context, place)

    def _filled(
        self, arguments: dict[str, Any], outputs: dict[str, Any], values: dict[str, str | None]
    ) -> dict[str, Any]:
        """The arguments of a hook, with the outputs of its step or task filled in."""
        own = Scope(dict(values), {**self.scope.artifacts, **self.operation.global_outputs.artifacts})
        # only the outputs: a tag with the exit code of the step stays unfilled, as in Argo's controller
        for parameter in outputs.get("parameters") or []:
            if parameter.get("value") is not None:
                own.values[f"{self.prefix}.outputs.parameters.{parameter['name']}"] = parameter["value"]
        if outputs.get("result") is not None:
            own.values[f"{self.prefix}.outputs.result"] = outputs["result"]
        for artifact in outputs.get("artifacts") or []:
            own.artifacts[f"{self.prefix}.outputs.artifacts.{artifact['name']}"] = artifact
        return resolve_artifacts(fill(arguments, own.values), own)


def resolve_artifacts(arguments: dict[str, Any], scope: Scope) -> dict[str, Any]:
    """The arguments, with the `from` and `fromExpression` of their artifacts replaced by the artifacts' locations.

    An optional artifact that does not exist is left out. Raises NodeError for another one that does not exist,
    ExpressionError for an expression that cannot be evaluated.
    """
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
    """One artifact, with its `from` or `fromExpression` replaced by the location of the artifact that this names.

    Raises NodeError where that artifact does not exist, ExpressionError where the expression cannot be evaluated.
    """
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
