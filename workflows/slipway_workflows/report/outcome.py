"""The outcome of a release in plain words: a title, and what it means for the environments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from slipway_steps.domain.approval import Approval
from slipway_steps.domain.check_text import check_text
from slipway_steps.domain.verdict import PACKAGE_GATES, Gate, GateReport, Verdict
from slipway_workflows.argo import Phase, StoredWorkflow
from slipway_workflows.report.graph import State, Step, steps_without_groups

Tone = Literal["good", "bad", "unsure", "neutral"]
Environments = Mapping[str, Mapping[str, str | None]]

GATE_NAMES = {
    Gate.EVALUATION: "evaluation",
    Gate.HANDLER: "handler test",
    Gate.INTEGRATION: "integration test",
    Gate.RESOURCES: "resource test",
    Gate.LOAD: "load test",
    Gate.SHADOW: "shadow test",
    Gate.CANARY: "canary",
}
GATE_STEPS = {
    Gate.EVALUATION: "evaluate",
    Gate.HANDLER: "handler",
    Gate.INTEGRATION: "integration",
    Gate.RESOURCES: "resources",
    Gate.LOAD: "load",
    Gate.SHADOW: "shadow",
    Gate.CANARY: "canary",
}
"""Gate -> name of the step that runs it, in the order in which they run."""


@dataclass(frozen=True)
class Outcome:
    """title: how the release ended. detail: what that means for the environments. tone: selects colour and sign."""

    title: str
    detail: str
    tone: Tone


def outcome_of(
    workflow: StoredWorkflow, root: Step | None, reports: Sequence[GateReport], environments: Environments
) -> Outcome:
    """The outcome of a release, finished or not.

    root: its steps, None where nothing was started. reports: of its gates, at most one each. environments: what each
    serves now.
    """
    phase, message = workflow.phase, workflow.message
    going = phase in (Phase.PENDING, Phase.RUNNING)
    if root is None:
        return Outcome(f"{'Not started' if going else 'Never started'}", message, "neutral")
    steps = {step.name: step for _, step in root.walk()}  # the name of a step is unique in a release
    if going:
        return _unfinished(root)
    if phase is Phase.SUCCEEDED:
        return _succeeded(steps, environments)
    after = _after(steps, reports, environments)
    if workflow.approval and workflow.approval is not Approval.APPROVED:
        return Outcome(workflow.approval.capitalize(), _serves("production", environments), "bad")
    verdict = workflow.outputs.get("verdict", "")
    for gate in Gate:
        report = next((one for one in reports if one.gate is gate), None)
        if report is None or report.verdict in (Verdict.PASS, Verdict.ERROR):
            continue
        why = report.failures()
        short = check_text(why[0]) if why else "no reason was given"
        more = f" (and {len(why) - 1} more)" if len(why) > 1 else ""
        if report.verdict is Verdict.REJECT:
            return Outcome(f"Rejected by the {GATE_NAMES[gate]}: {short}{more}", after, "bad")
        return Outcome(f"Inconclusive: not enough data in the {GATE_NAMES[gate]}: {short}{more}", after, "unsure")
    failed = _first_failed(root)
    if failed is None:
        return Outcome(f"Error: {message or 'the release failed'}", after, "bad")
    where, step = failed
    cause = step.message or message
    if verdict == "pass":
        return Outcome(f"Error: the gates passed, but {where} failed", f"{_sentence(cause)} {after}".strip(), "bad")
    return Outcome(f"Error: {where} failed", f"{_sentence(cause)} {after}".strip(), "bad")


def _unfinished(root: Step) -> Outcome:
    for name, step in steps_without_groups(root):
        if step.phase is Phase.RUNNING:
            waits = step.state is State.WAITING
            return Outcome("Waiting for a decision" if waits else "Still running", f"At {name}.", "neutral")
    return Outcome("Still running", "No step runs at the moment.", "neutral")


def _succeeded(steps: Mapping[str, Step], environments: Environments) -> Outcome:
    promote, hold, revert = (steps.get(name) for name in ("promote", "hold", "revert"))
    if promote and promote.ran:
        target = (promote.inputs or {}).get("target-environment") or "canary"
        serves = (environments.get(target) or {}).get("version")
        return Outcome(
            f"Promoted to {target}", f"Every gate passed; {target} serves version {serves}." if serves else "", "good"
        )
    if hold and hold.ran:
        return Outcome(
            "Passed, and held at staging",
            "auto-promote was false: a person promotes it with `slipway promote --to canary`.",
            "good",
        )
    if revert and revert.ran:
        return Outcome("Reverted", _serves("staging", environments), "neutral")
    return Outcome("Succeeded", "", "good")


def _after(steps: Mapping[str, Step], reports: Sequence[GateReport], environments: Environments) -> str:
    """What the environments serve after a release that was not promoted."""
    revert, deploy = steps.get("revert"), steps.get("deploy")
    environment = ((revert.inputs or {}).get("target-environment") if revert else None) or "staging"
    if revert and revert.state is State.FAILED:
        return f"The revert failed too: look at {environment} now. {_serves(environment, environments)}"
    if revert and revert.ran:
        entry = environments.get(environment) or {}
        if not entry:
            return f"{environment} was reverted."
        if not entry.get("version"):
            return f"Nothing had passed on {environment} before, so it is empty now."
        return f"{environment} serves version {entry['version']} again."
    if not (deploy and deploy.ran) and not any(r.gate not in PACKAGE_GATES for r in reports):
        still = _serves(environment, environments)
        return f"Nothing was deployed. {still}".strip()
    return _serves(environment, environments)


def _serves(environment: str, environments: Environments) -> str:
    """A sentence that says what the environment serves; "" where its status is unknown."""
    entry = environments.get(environment)
    if entry is None:
        return ""
    return f"{environment} serves version {entry['version']}." if entry.get("version") else f"{environment} is empty."


def _first_failed(root: Step) -> tuple[str, Step] | None:
    """The first step that failed, with its path (`test / gates / load`).

    The step `rejected` counts only if nothing else failed: it fails on purpose, to show a rejection.
    """
    failed = [(name, step) for name, step in steps_without_groups(root) if step.state is State.FAILED]
    causes = [(name, step) for name, step in failed if step.name != "rejected"] or failed
    return causes[0] if causes else None


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return text if not text or text[-1] in ".!?" else f"{text}."
