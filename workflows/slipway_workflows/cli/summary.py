"""The end of a release: gates, what stands where, why, and the report; and the exit code that says the same."""

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from slipway_steps.adapters.mlflow.registry import MlflowRegistry
from slipway_steps.domain.errors import SlipwayError
from slipway_steps.domain.verdict import Check, GateReport, Verdict
from slipway_steps.settings import Settings
from slipway_workflows.cli.environment_status import environment_statuses, environment_table
from slipway_workflows.cli.live import spoken

REJECTED = 2
"""Exit code of a release that a gate rejected and whose revert succeeded."""
COLOURS = {Verdict.PASS: "green", Verdict.REJECT: "red", Verdict.INCONCLUSIVE: "yellow", Verdict.ERROR: "red"}
GREEN = {"Succeeded", "Skipped", "Omitted"}


def value(number: float | str | None, unit: str) -> str:
    """A measured value or threshold for a table."""
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
    """Each check of each gate: measured value, threshold, verdict."""
    table = Table(title="Gates", title_justify="left", title_style="bold")
    for column in ("gate", "check", "measured", "threshold", "verdict"):
        table.add_column(column, no_wrap=column == "verdict", overflow="fold")
    for report in reports:
        for check in report.checks:
            verdict = f"[{COLOURS[check.verdict]}]{check.verdict}[/]"
            measured, threshold = value(check.measured, check.unit), value(check.threshold, check.unit)
            table.add_row(report.gate.value, check.code, measured, threshold, verdict)
        table.add_section()
    return table


def first_failure(reports: list[GateReport]) -> tuple[GateReport, Check] | None:
    """The check that decided, in the order in which verdicts are read."""
    order = list(type(reports[0].gate)) if reports else []
    for gate in order:
        for report in reports:
            if report.gate is gate and report.failures():
                return report, report.failures()[0]
    return None


def nodes_named(workflow: dict[str, Any], template: str) -> list[dict[str, Any]]:
    """The pods that ran a template."""
    nodes = (workflow["status"].get("nodes") or {}).values()
    return [node for node in nodes if node.get("templateName") == template and node.get("type") == "Pod"]


def verdict_of(workflow: dict[str, Any]) -> str | None:
    """The global output `verdict`, or None where no gate has spoken."""
    for parameter in (workflow["status"].get("outputs") or {}).get("parameters") or []:
        if parameter["name"] == "verdict":
            return str(parameter.get("value"))
    return None


def red_pods(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    """The pods that did not end well, without those whose next try did."""
    nodes = (workflow["status"].get("nodes") or {}).values()
    mended = {
        child
        for node in nodes
        if node.get("type") == "Retry" and node["phase"] == "Succeeded"
        for child in node.get("children") or []
    }
    return [
        node
        for node in nodes
        if node.get("type") == "Pod" and node["phase"] not in GREEN and node.get("id") not in mended
    ]


def exit_code(workflow: dict[str, Any]) -> int:
    """0 succeeded; 2 only where a gate said `reject` and everything after it, the revert above all, worked; else 1."""
    if workflow["status"]["phase"] == "Succeeded":
        return 0
    only_red_step = {"rejected"}
    broken = [node for node in red_pods(workflow) if node.get("templateName") not in only_red_step]
    return (
        REJECTED if verdict_of(workflow) == Verdict.REJECT and not broken and nodes_named(workflow, "rejected") else 1
    )


def headline(workflow: dict[str, Any], reports: list[GateReport]) -> str:
    """What happened, in one line."""
    name, phase = workflow["metadata"]["name"], workflow["status"]["phase"]
    verdict = verdict_of(workflow)
    decided = first_failure(reports)
    if phase == "Succeeded":
        moved = {"promote": "promoted", "hold": "passed, held at staging", "revert": "reverted", "deploy": "deployed"}
        done = [word for template, word in moved.items() if nodes_named(workflow, template)]
        return f"{name}: {done[0] if done else 'succeeded'}"
    if verdict not in (None, Verdict.PASS) and decided:
        report, check = decided
        return f"{name}: {verdict} by {report.gate}: {check.message}"
    return f"{name}: {phase}: {workflow['status'].get('message') or 'see the log of the failed step'}"


def reason(log: Path) -> str:
    """What a step said of its own failure: its last line that begins with `error: `."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line[:400] for line in reversed(lines) if line.startswith("error: ")), "")


def conclude(workflow: dict[str, Any]) -> int:
    """Print the summary, write the report, return the exit code. A report that cannot be made is said, and changes
    nothing about the release.
    """
    settings = Settings()
    console = Console(stderr=True)
    name = workflow["metadata"]["name"]
    code = exit_code(workflow)
    try:
        registry = MlflowRegistry(settings)
        reports = registry.reports(name)
        now = environment_statuses(registry)
        if reports:
            console.print(gate_table(reports))
        console.print(environment_table(now))
        console.print(headline(workflow, reports), style="bold green" if code == 0 else "bold red", markup=False)
        for node in red_pods(workflow):
            if code == 1:
                log = settings.home / "runs" / name / "logs" / f"{node['id']}.log"
                click.echo(
                    f"{spoken(node['displayName'])}: {reason(log) or node.get('message', '')}  (log: {log})", err=True
                )
        from slipway_workflows.report import write_report

        target = write_report(workflow, reports, now, settings.home / "runs" / name / "report.html")
        click.echo(f"report: {_shown(target)}", err=True)
    except (SlipwayError, OSError) as error:
        click.echo(f"error: the summary of {name} could not be made: {error}", err=True)
        return code or 1
    return code


def _shown(path: Path) -> Path:
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path
