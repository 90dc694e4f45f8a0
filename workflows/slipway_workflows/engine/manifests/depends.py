"""When a task of a dag may start: its `depends` or `dependencies`, evaluated over the phases of the other tasks."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from slipway_steps.domain.errors import WorkflowInvalid
from slipway_workflows.engine.errors import UnforeseenError
from slipway_workflows.engine.language.expressions import evaluate_bool
from slipway_workflows.engine.manifests.templates import Template, TemplateCaller

NAME = re.compile(r"([a-zA-Z0-9][-a-zA-Z0-9_]*)(\.[a-zA-Z]+)?")
PARAMETER = re.compile(r"\{\{[-a-zA-Z0-9_]+(\.[-a-zA-Z0-9_]+)*\}\}")
"""A tag in `dag.target`; it is filled in before the dag runs."""
RESULTS = ("Succeeded", "Failed", "Errored", "Skipped", "Omitted", "Daemoned", "AnySucceeded", "AllFailed")


@dataclass(frozen=True)
class Condition:
    """The `depends` of one task, or what its `dependencies` mean as a `depends`."""

    task: str
    names: tuple[str, ...]
    """The tasks it depends on, in the order in which they are named."""
    expression: str
    """The condition as an expression in which `t0`, `t1`, ... stand for these tasks: `t0.Succeeded && t1.Failed`."""

    def met(self, phases: Mapping[str, str], item_phases: Mapping[str, Sequence[str]]) -> bool:
        """Whether the task runs, now that all tasks it depends on have ended.

        phases: the phase of each of these tasks, by name; a task without one counts as omitted. item_phases: for each
        of them that is a loop, the phases of the nodes under it; as in Argo, those of its hooks are among them. Raises
        ExpressionError for a condition that cannot be evaluated.
        """
        if not self.names:
            return True
        values = {}
        for index, name in enumerate(self.names):
            phase, items = phases.get(name, "Omitted"), item_phases.get(name, ())
            values[f"t{index}"] = {
                "Succeeded": phase == "Succeeded",
                "Failed": phase == "Failed",
                "Errored": phase == "Error",
                "Skipped": phase == "Skipped",
                "Omitted": phase == "Omitted",
                "Daemoned": False,
                "AnySucceeded": "Succeeded" in items,
                "AllFailed": bool(items) and all(item == "Failed" for item in items),
            }
        return evaluate_bool(self.expression, values)


def conditions_of(template: Template) -> dict[str, Condition]:
    """The condition of each task, by its name. Raises WorkflowInvalid for an unknown task or result in one."""
    tasks = {task["name"]: task for task in template["dag"].get("tasks") or []}
    return {name: _condition(name, task, tasks) for name, task in tasks.items()}


def _condition(name: str, task: TemplateCaller, tasks: Mapping[str, TemplateCaller]) -> Condition:
    clause = task.get("depends") or " && ".join(task.get("dependencies") or [])
    names: dict[str, int] = {}

    def rewrite(match: "re.Match[str]") -> str:
        other, result = match.group(1), (match.group(2) or "").removeprefix(".")
        if other not in tasks:
            raise WorkflowInvalid(f"tasks.{name}: dependency '{other}' not defined")
        variable = f"t{names.setdefault(other, len(names))}"
        if not result:
            return _default(variable, tasks[other])
        if result not in RESULTS:
            raise WorkflowInvalid(
                f"tasks.{name}: task result '{result}' of {other} is invalid", f"one of {', '.join(RESULTS)}"
            )
        return f"{variable}.{result}"

    expression = NAME.sub(rewrite, clause)
    return Condition(name, tuple(names), expression)


def _default(variable: str, task: TemplateCaller) -> str:
    """What a task's name without a result means: it succeeded or was skipped, or its `continueOn` allows its phase."""
    rules = task.get("continueOn") or {}
    fine = ["Succeeded", "Skipped", "Daemoned"]
    fine += ["Errored"] if rules.get("error") else []
    fine += ["Failed"] if rules.get("failed") else []
    return "(" + " || ".join(f"{variable}.{result}" for result in fine) + ")"


def order_of(template: Template, conditions: Mapping[str, Condition]) -> list[str]:
    """The names of the tasks, each after those it depends on. Raises WorkflowInvalid for a cycle or unknown target."""
    try:
        order = list(
            TopologicalSorter({name: condition.names for name, condition in conditions.items()}).static_order()
        )
    except CycleError as error:
        raise WorkflowInvalid(f"dependency cycle: {' -> '.join(error.args[1])}") from error
    for target in _targets(template):
        if target not in conditions and not PARAMETER.fullmatch(target):
            raise WorkflowInvalid(f"target '{target}' is not defined")
    return order


def _targets(template: Template) -> list[str]:
    text = str(template["dag"].get("target") or "")
    return text.split(" ") if text else []


def targets_of(template: Template) -> list[str]:
    """The names of the tasks that decide the dag's phase: those of `target`, or else those that no task depends on.

    Raises UnforeseenError for a target that is not a task, where Argo's controller panics. `validate` cannot refuse all
    of these, because a tag in `target` gets its value only when the dag runs.
    """
    conditions = conditions_of(template)
    targets = _targets(template)
    for target in targets:
        if target not in conditions:
            raise UnforeseenError(f"target {target} does not exist", f"tasks: {', '.join(conditions)}")
    if targets:
        return targets
    inner = {name for condition in conditions.values() for name in condition.names}
    return sorted(name for name in conditions if name not in inner)
