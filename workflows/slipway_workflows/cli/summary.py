"""The summary at the end of a release: gates, environments, the reason, the report, and the exit code."""

from contextlib import suppress
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from slipway_steps.domain.approval import Approval
from slipway_steps.domain.errors import SlipwayError
from slipway_steps.domain.verdict import Check, GateReport, Verdict
from slipway_workflows.argo import NodeType, Phase, StoredNode, StoredWorkflow
from slipway_workflows.cli.environment_table import environment_table
from slipway_workflows.cli.exit_codes import REJECTED, UNDECIDED
from slipway_workflows.cli.live import name_for_people
from slipway_workflows.cli.release_state import ReleaseState, release_state
from slipway_workflows.cli.settings import current_settings
from slipway_workflows.engine import log_file

COLOURS = {Verdict.PASS: "green", Verdict.REJECT: "red", Verdict.INCONCLUSIVE: "yellow", Verdict.ERROR: "red"}


def format_value(number: float | str | None, unit: str) -> str:
    """A measured value or threshold with its unit, for a table; "-" where there is none."""
    if number is None:
        return "-"
    text = (
        f"{number:.4g}"
        if isinstance(number, float) and abs(number) < 1000
        else f"{number:.0f}"
        if isinstance(number, float)
        else str(number)
    )
    return f"{text} {unit}".strip()


def gate_table(reports: list[GateReport]) -> Table:
    """A table with each check of each gate: measured value, threshold, verdict."""
    table = Table(title="Gates", title_justify="left", title_style="bold")
    for column in ("gate", "check", "measured", "threshold", "verdict"):
        table.add_column(column, no_wrap=column == "verdict", overflow="fold")
    for report in reports:
        for check in report.checks:
            verdict = f"[{COLOURS[check.verdict]}]{check.verdict}[/]"
            measured, threshold = format_value(check.measured, check.unit), format_value(check.threshold, check.unit)
            table.add_row(report.gate.value, check.code, measured, threshold, verdict)
        table.add_section()
    return table


def first_failure(reports: list[GateReport]) -> tuple[GateReport, Check] | None:
    """The check that decided: the first failed check of the first gate that failed, in the order of `Gate`."""
    order = list(type(reports[0].gate)) if reports else []
    for gate in order:
        for report in reports:
            if report.gate is gate and report.failures():
                return report, report.failures()[0]
    return None


def pods_of(workflow: StoredWorkflow, template: str) -> list[StoredNode]:
    """The pods that ran the template of that name."""
    return [node for node in workflow.pods if node.template_name == template]


def verdict_of(workflow: StoredWorkflow) -> str | None:
    """The global output `verdict` of the workflow; None where no gate has given one."""
    return workflow.outputs.get("verdict")


def failed_pods(workflow: StoredWorkflow) -> list[StoredNode]:
    """The pods that did not succeed, without failed attempts of a Retry node that has succeeded."""
    recovered = {
        child
        for node in workflow.nodes.values()
        if node.type is NodeType.RETRY and node.phase is Phase.SUCCEEDED
        for child in node.children
    }
    return [node for node in workflow.pods if not node.phase.good and node.id not in recovered]


def exit_code(workflow: StoredWorkflow) -> int:
    """0 if the workflow succeeded; 2 if a gate rejected and all pods after it, also the revert, succeeded; else 1.

    The pod that only writes the report does not count.
    """
    if workflow.phase is Phase.SUCCEEDED:
        return 0
    broken = [node for node in failed_pods(workflow) if node.template_name not in ("rejected", "report")]
    rejected = verdict_of(workflow) == Verdict.REJECT and not broken and pods_of(workflow, "rejected")
    return REJECTED if rejected else UNDECIDED


def headline(workflow: StoredWorkflow, reports: list[GateReport]) -> str:
    """One line that says what happened in the workflow, and why."""
    name, verdict = workflow.name, verdict_of(workflow)
    decided = first_failure(reports)
    if workflow.phase is Phase.SUCCEEDED:
        moved = {"promote": "promoted", "hold": "passed, held at staging", "revert": "reverted", "deploy": "deployed"}
        done = [word for template, word in moved.items() if pods_of(workflow, template)]
        return f"{name}: {done[0] if done else 'succeeded'}"
    if workflow.approval and workflow.approval is not Approval.APPROVED:
        return f"{name}: {workflow.approval}"
    if verdict not in (None, Verdict.PASS) and decided:
        report, check = decided
        return f"{name}: {verdict} by {report.gate}: {check.message}"
    return f"{name}: {workflow.phase}: {workflow.message or 'see the log of the failed step'}"


def reason(log: Path) -> str:
    """The error message of a step: the last line of its log that begins with `error: `; "" where there is none."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line[:400] for line in reversed(lines) if line.startswith("error: ")), "")


def preload() -> None:
    """Import what `print_summary` needs. This takes half a second; while a release runs nobody waits for it.

    Any error is ignored here, because `print_summary` meets and reports it.
    """
    with suppress(Exception):
        import matplotlib.backends.backend_svg  # noqa: F401

        import slipway_workflows.report  # noqa: F401


def print_summary(workflow: StoredWorkflow, state: ReleaseState | None) -> int:
    """Print the summary of a release and write its report; returns the exit code.

    state: the reports of its gates, and the environments; None: they are read here. Where the summary or report cannot
    be made, an error is printed and the code is never 0.
    """
    settings = current_settings()
    console = Console(stderr=True)
    name = workflow.name
    code = exit_code(workflow)
    try:
        state = state or release_state(name)
        reports, now = state.reports, state.environments
        if reports:
            console.print(gate_table(reports))
        console.print(environment_table(now))
        console.print(headline(workflow, reports), style="bold green" if code == 0 else "bold red", markup=False)
        for node in failed_pods(workflow):
            if code == 1:
                log = log_file(settings.home / "runs" / name, node.id)
                error_line = reason(log) or node.message
                click.echo(f"{name_for_people(node.display_name)}: {error_line}  (log: {log})", err=True)
        from slipway_workflows.report import write_report

        target = write_report(workflow, reports, now, settings.home / "runs" / name / "report.html")
        click.echo(f"report: {_relative(target)}", err=True)
    except (SlipwayError, OSError) as error:
        click.echo(f"error: the summary of {name} could not be made: {error}", err=True)
        return code or 1
    return code


def _relative(path: Path) -> Path:
    """The path from the working directory where it is below that, else as it is."""
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path
