"""The HTML report of a release: one file that loads no other file and runs no script."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.check_text import measure, number
from slipway_steps.domain.environment import ORDER
from slipway_steps.domain.verdict import TRAFFIC_GATES, Check, Gate, GateReport
from slipway_workflows.argo import StoredWorkflow
from slipway_workflows.report.graph import Step, branch_picture, steps_of, steps_without_groups
from slipway_workflows.report.layout import Picture, arrange
from slipway_workflows.report.outcome import GATE_NAMES, GATE_STEPS, Environments, outcome_of
from slipway_workflows.report.page_file import write_page
from slipway_workflows.report.picture import stylesheet, templates
from slipway_workflows.report.plots import Plot, confusion_matrix, latency_histogram, over_time, training_history
from slipway_workflows.report.shares import changed_of, shares_of
from slipway_workflows.report.times import duration_text, moment_text


@dataclass(frozen=True)
class GateRow:
    """A gate in the table. missing: why there is no report or no check of it."""

    name: str
    verdict: str
    seconds: str
    checks: Sequence[Check]
    missing: str = ""


@dataclass(frozen=True)
class Bar:
    """A step on the time line; `left` and `width` in percent of the duration of the release."""

    name: str
    step: Step
    left: float
    width: float


def write_report(
    workflow: StoredWorkflow,
    reports: Sequence[GateReport],
    environments: Environments,
    target: Path,
) -> Path:
    """Write the report of a release to the file `target`, completely or not at all; returns `target`.

    workflow: finished or not. reports: of its gates, in the order in which they were made; of two reports of one gate
    the later counts. environments: their status, as in `slipway status --output json`. The page names whatever is
    missing. Raises BadInput where `target` cannot be written.
    """
    text = _render(workflow, reports, environments)
    return write_page(text, target)


def _render(workflow: StoredWorkflow, reports: Sequence[GateReport], environments: Environments) -> str:
    root = steps_of(workflow)
    latest = {report.gate: report for report in reports}
    current = [latest[gate] for gate in GATE_STEPS if gate in latest]
    started, finished = workflow.started, workflow.finished
    jinja = templates()
    jinja.globals |= {"number": number, "measure": measure, "short": _short_digest}
    return jinja.get_template("report.html.j2").render(
        css=stylesheet("graph.css", "report.css"),
        name=workflow.name or "a release",
        phase=workflow.phase.value,
        outcome=outcome_of(workflow, root, current, environments),
        started=moment_text(started),
        lasted=duration_text((finished - started).total_seconds()) if started and finished else "",
        candidate=_candidate(current),
        wide=_picture(root, across=True),
        narrow=_picture(root, across=False),
        tree=branch_picture(workflow),
        gates=_gates(latest, root),
        shares=shares_of(latest),
        changed=changed_of(latest),
        plots=[] if any(gate in latest for gate in TRAFFIC_GATES) else _plots(latest),
        environments=_environments(environments),
        bars=_bars(root),
        parameters=_parameters(workflow, root),
        made=moment_text(datetime.now(UTC)),
    )


def _picture(root: Step | None, *, across: bool) -> Picture | None:
    return arrange(root, across=across) if root else None


def _candidate(reports: Sequence[GateReport]) -> Candidate | None:
    """The released model: that of a report with an image digest, if any. None where no version was registered."""
    known = [report.candidate for report in reports if report.candidate.version]
    return max(known, key=lambda candidate: bool(candidate.digest), default=None)


def _gates(latest: Mapping[Gate, GateReport], root: Step | None) -> list[GateRow]:
    rows = []
    steps = {step.name: step for _, step in steps_without_groups(root)} if root else {}
    by_shares = any(gate in latest or GATE_STEPS[gate] in steps for gate in TRAFFIC_GATES)
    for gate, step_name in GATE_STEPS.items():
        report, step = latest.get(gate), steps.get(step_name)
        if (gate in TRAFFIC_GATES) != by_shares and report is None and step is None:
            continue  # a release has all gates but these, and a promotion by shares has these alone
        name = GATE_NAMES[gate].capitalize()
        if report:
            seconds = duration_text(report.finished_at - report.started_at)
            missing = "" if report.checks else "The gate made no check."
            rows.append(GateRow(name, report.verdict.value, seconds, report.checks, missing))
        elif step is None:
            rows.append(GateRow(name, "not run", "", [], "The release ended before it."))
        elif not step.ran:
            rows.append(GateRow(name, "not run", "", [], "Skipped: what came before it had already decided."))
        elif step.phase == "Running":
            rows.append(GateRow(name, "running", "", [], "It has not ended yet."))
        else:
            why = step.message or "it ended without one"
            rows.append(GateRow(name, "error", duration_text(step.seconds), [], f"There is no report of it: {why}."))
    return rows


def _plots(latest: Mapping[Gate, GateReport]) -> list[tuple[str, Plot | None, str]]:
    """For each plot its title, the plot, and a text for the case that there is no plot."""

    def series(gate: Gate, name: str) -> Any:
        return latest[gate].series.get(name) if gate in latest else None

    def numeric(gate: Gate, code: str, field: str) -> float | None:
        """The number in `field` of the first check of the gate whose code begins with `code`."""
        checks = latest[gate].checks if gate in latest else []
        found = [getattr(check, field) for check in checks if check.code.startswith(code)]
        return next((float(value) for value in found if isinstance(value, (int, float))), None)

    begin = min((latest[gate].started_at for gate in (Gate.RESOURCES, Gate.LOAD) if gate in latest), default=0.0)

    def curves(name: str) -> list[tuple[str, float, Any]]:
        gates = [gate for gate in (Gate.RESOURCES, Gate.LOAD) if gate in latest]
        return [(GATE_NAMES[gate], latest[gate].started_at - begin, series(gate, name)) for gate in gates]

    limits = [series(gate, "memory_limit_mib") for gate in (Gate.RESOURCES, Gate.LOAD)]
    limit = next((float(value) for value in limits if isinstance(value, (int, float))), None)
    p95 = [numeric(Gate.LOAD, "p95", field) for field in ("measured", "threshold")]
    return [
        (
            "Latency under load",
            latency_histogram(series(Gate.LOAD, "latencies_ms"), p95[0], p95[1]),
            "The load test made no measurement.",
        ),
        ("Memory over time", over_time("Memory", "MiB", curves("memory_mib"), limit), "No memory was measured."),
        (
            "Confusion matrix",
            confusion_matrix(series(Gate.EVALUATION, "confusion_matrix"), series(Gate.EVALUATION, "labels")),
            "The evaluation kept no confusion matrix.",
        ),
        (
            "Training history",
            training_history(series(Gate.EVALUATION, "history")),
            "The evaluation kept no training history.",
        ),
        (
            "CPU over time",
            over_time("CPU", "millicores", curves("cpu_millicores"), numeric(Gate.RESOURCES, "cpu", "threshold")),
            "No CPU usage was measured.",
        ),
    ]


def _environments(environments: Environments) -> list[tuple[str, Mapping[str, str | None] | None]]:
    names = [*ORDER, *(name for name in environments if name not in [*ORDER])]
    return [(str(name), environments.get(name)) for name in names]


def _bars(root: Step | None) -> list[Bar]:
    """The time line: one bar for each step that ran."""
    ran = [(name, step) for name, step in steps_without_groups(root) if step.seconds is not None] if root else []
    if not ran:
        return []
    begin = min(step.started for _, step in ran if step.started)
    end = max(step.finished for _, step in ran if step.finished)
    whole = max((end - begin).total_seconds(), 0.001)
    bars = []
    for name, step in ran:
        left = (step.started - begin).total_seconds() / whole * 100 if step.started else 0.0
        bars.append(Bar(name, step, min(left, 99.5), max((step.seconds or 0.0) / whole * 100, 0.5)))
    return bars


def _parameters(workflow: StoredWorkflow, root: Step | None) -> dict[str, str]:
    """The parameters of the release: the inputs of the entry point, with their defaults, and all given arguments."""
    used = dict(root.inputs or {}) if root else {}
    return dict(sorted((workflow.arguments | used).items()))


def _short_digest(digest: str) -> str:
    """The first twelve digits of a digest, `sha256:7f3a9c51e2d8`, which are enough to tell images apart."""
    head, colon, rest = digest.partition(":")
    return f"{head}:{rest[:12]}" if colon else digest[:19]
