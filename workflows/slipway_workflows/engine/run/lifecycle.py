"""Runs a workflow: its entry template under its deadline, its hooks, its exit handler; then its final phase."""

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any

from slipway_workflows.engine.errors import ExpressionError, NodeError
from slipway_workflows.engine.language.expressions import evaluate_bool
from slipway_workflows.engine.language.texts import encode
from slipway_workflows.engine.manifests.templates import TemplateCaller
from slipway_workflows.engine.run.gather import gather_all
from slipway_workflows.engine.run.operation import Operation
from slipway_workflows.engine.run.place import Place

DEADLINE_MESSAGE = "Step exceeded its deadline"
"""Argo's message for steps that the deadline of the workflow ended."""


@dataclass(frozen=True)
class Outcome:
    """How a workflow, or a node of it, ended."""

    phase: str
    message: str = ""


async def run_workflow(operation: Operation, spec: dict[str, Any]) -> Outcome:
    """Run the merged spec of a workflow to its end, exit handler included.

    Raises nothing: an exception that no rule foresees becomes an outcome of phase Error, and is recorded in the
    operation's fault log.
    """
    began = time.monotonic()
    hooks = _Hooks(operation, {name: hook for name, hook in (spec.get("hooks") or {}).items() if name != "exit"})
    try:
        outcome = await _entry_template(operation, spec, hooks)
    except (NodeError, ExpressionError) as error:
        # as in Argo's controller: if the entry template itself is at fault, the exit handler does not run
        await hooks.finish()
        return Outcome("Error", f"error in entry template execution: {error}")
    except Exception as error:
        outcome = Outcome("Error", str(operation.faults.record(error, f"workflow {operation.name}")))
    operation.global_outputs.values |= {
        "workflow.status": outcome.phase,
        "workflow.failures": encode(json.dumps(_failures(operation), ensure_ascii=False)),
        "workflow.duration": f"{time.monotonic() - began:.6f}",
    }
    try:
        hooks.status_changed(outcome.phase)
        await hooks.finish()
        handled = await _exit_handler(operation, spec, outcome.phase)
    except ExpressionError as error:
        return Outcome("Error", str(error))
    except Exception as error:
        handled = Outcome("Error", str(operation.faults.record(error, f"exit handler of workflow {operation.name}")))
    if handled.phase in ("Failed", "Error") and outcome.phase == "Succeeded":
        return handled
    return outcome


async def _entry_template(operation: Operation, spec: dict[str, Any], hooks: "_Hooks") -> Outcome:
    deadline, timer = spec.get("activeDeadlineSeconds"), None
    if deadline is not None:
        timer = asyncio.get_running_loop().call_later(float(deadline), operation.shutdown.stop, DEADLINE_MESSAGE)
    try:
        hooks.status_changed("Running")
        return await _run(operation, operation.name, _entry(spec), on_exit=False)
    finally:
        if timer:
            timer.cancel()


def _entry(spec: dict[str, Any]) -> TemplateCaller:
    return {"template": spec["entrypoint"], "arguments": spec.get("arguments") or {}}


async def _exit_handler(operation: Operation, spec: dict[str, Any], phase: str) -> Outcome:
    """Run the exit handler, `hooks.exit` or `onExit`; the outcome is Succeeded where there is none to run."""
    hook = (spec.get("hooks") or {}).get("exit")
    if hook is None and spec.get("onExit"):
        hook = {"template": spec["onExit"], "arguments": spec.get("arguments") or {}}
    if hook is None or operation.shutdown.terminated or not _holds(operation, hook, phase):
        return Outcome("Succeeded")
    return await _run_hook(operation, f"{operation.name}.onExit", hook)


def _holds(operation: Operation, hook: TemplateCaller, phase: str) -> bool:
    expression = hook.get("expression")
    return not expression or evaluate_bool(expression, {**operation.global_outputs.values, "workflow.status": phase})


async def _run(operation: Operation, name: str, caller: TemplateCaller, on_exit: bool) -> Outcome:
    node = await operation.execute(operation, name, caller, operation.context, Place(None, (), None, on_exit))
    return Outcome(node.phase, node.message)


async def _run_hook(operation: Operation, name: str, hook: TemplateCaller) -> Outcome:
    """Run a hook of the workflow; one that cannot be started has an outcome of phase Error."""
    try:
        return await _run(operation, name, hook, on_exit=True)
    except NodeError as error:
        return Outcome("Error", str(error))


def _failures(operation: Operation) -> list[dict[str, str]]:
    """The failed nodes, as `workflow.failures` lists them for the exit handler."""
    return [
        {
            "displayName": node.display_name,
            "message": node.message,
            "templateName": node.template_name,
            "phase": node.phase,
            "podName": node.id,
            "finishedAt": node.finished,
        }
        for node in operation.tree.nodes.values()
        if node.failed
    ]


class _Hooks:
    """The workflow's own hooks, without its exit handler. Each runs once, when its expression first holds."""

    def __init__(self, operation: Operation, hooks: dict[str, TemplateCaller]) -> None:
        self.operation = operation
        self.hooks = hooks
        self._fired: dict[str, asyncio.Task[Outcome]] = {}

    def status_changed(self, phase: str) -> None:
        """Start the hooks whose expressions hold for this phase of the workflow, and that have not run yet.

        Raises ExpressionError where an expression cannot be evaluated.
        """
        for name, hook in self.hooks.items():
            if name not in self._fired and _holds(self.operation, hook, phase):
                full = f"{self.operation.name}.hooks.{name}"
                self._fired[name] = asyncio.ensure_future(_run_hook(self.operation, full, hook))

    async def finish(self) -> None:
        """Wait until the hooks that have started have ended."""
        await gather_all(self._fired.values())
