"""The rules of a scenario: which numbers there are, and whether the measured ones lie within their bounds."""

import ast
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.validation import E2ETestScenario, RuleResult
from slipway_steps.domain.verdict import Gate, GateReport
from slipway_workflows.validation.scenarios import nearest

DURATION, PEAK = "workflow.duration", "workflow.peak-memory"
STEPS = {
    Gate.EVALUATION: "evaluate",
    Gate.HANDLER: "handler",
    Gate.INTEGRATION: "integration",
    Gate.RESOURCES: "resources",
    Gate.LOAD: "load",
}
"""The step that runs each gate."""
CODES = {
    Gate.HANDLER: ("model_fn", "input_fn", "predict_fn", "output_fn", "end-to-end", "predictions"),
    Gate.INTEGRATION: ("predict", "samples-right"),
    Gate.RESOURCES: ("pods-running", "memory", "cpu", "throttled"),
    Gate.LOAD: ("p95", "success", "peak-memory", "pods-running"),
}
"""The checks of each gate that measure a number; those of the evaluation are its tests."""


def check_rules(scenario: E2ETestScenario, evaluation: Collection[str] | None) -> None:
    """Raises BadInput, with the nearest name, for a rule whose number this scenario cannot measure.

    evaluation: the names of the checks of the evaluation; None: its tests do not tell them before they run.
    """
    names = [DURATION, PEAK, *(f"{step}.duration" for step in scenario.expected_steps)]
    names += [f"{gate}.{code}" for gate, codes in CODES.items() for code in codes]
    names += [f"{Gate.EVALUATION}.{code}" for code in evaluation or ()]
    for name in scenario.validation_rules:
        gate = next((one for one in Gate if name.startswith(f"{one}.")), None)
        if name not in names and not (gate is Gate.EVALUATION and evaluation is None):
            raise BadInput(f"{scenario.scenario_name}: unknown rule {name!r}", nearest(name, names))
        if gate and not name.endswith(".duration") and STEPS[gate] not in scenario.expected_steps:
            raise BadInput(
                f"{scenario.scenario_name}: rule {name} is never measured, as no step {STEPS[gate]} is expected",
                f"add {STEPS[gate]} to expected_steps, or leave out the rule",
            )


def evaluation_checks(directory: Path) -> frozenset[str] | None:
    """The names of the checks that the tests of an evaluation make, read from their text.

    None where they cannot be told: a name is computed, or a file is not Python.
    """
    found: set[str] = set()
    for path in sorted(directory.glob("**/test_*.py")):
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, SyntaxError):
            return None
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                told = _told(node)
                if told is None:
                    return None
                found |= told or {node.name.removeprefix("test_").replace("_", "-")}
    return frozenset(found)


def _told(test: ast.FunctionDef) -> set[str] | None:
    """The names that a test gives to `measured`; None where one is computed, or told in another way."""
    found: set[str] = set()
    for node in ast.walk(test):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        if node.func.id == "record_property":
            return None
        if node.func.id == "measured":
            first = node.args[0] if node.args else None
            if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
                return None
            found.add(first.value)
    return found


def judge_rules(
    scenario: E2ETestScenario,
    reports: Sequence[GateReport],
    seconds: float,
    peak_gib: float,
    steps: Mapping[str, float],
    unfinished: Collection[str] = (),
) -> dict[str, RuleResult]:
    """Each rule with what was measured and what was wanted. What was not measured does not pass.

    unfinished: the steps that the end of the run has cut off. How long such a step takes was not measured, unless it
    had already taken more than the rule allows.
    """
    measured: dict[str, float] = {DURATION: seconds, PEAK: peak_gib}
    measured |= {f"{name}.duration": took for name, took in steps.items()}
    for report in reports:
        for check in report.checks:
            if isinstance(check.measured, int | float):
                measured[f"{report.gate}.{check.code}"] = float(check.measured)
    for name in unfinished:
        bounds = scenario.validation_rules.get(f"{name}.duration")
        if bounds and (bounds.max is None or steps[name] <= bounds.max):
            del measured[f"{name}.duration"]
    return {
        name: RuleResult(
            measured=measured.get(name),
            wanted=str(bounds),
            passed=name in measured and bounds.holds(measured[name]),
        )
        for name, bounds in scenario.validation_rules.items()
    }
