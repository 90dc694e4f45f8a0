"""The HTML report of a validation: one file that loads no other file and runs no script."""

from datetime import UTC, datetime
from pathlib import Path

from slipway_steps.domain.validation import E2EValidationReport
from slipway_steps.domain.verdict import Verdict
from slipway_workflows.report.page_file import write_page
from slipway_workflows.report.picture import stylesheet, templates
from slipway_workflows.report.times import moment_text
from slipway_workflows.validation.lines import headline

TONES = {Verdict.PASS: "good", Verdict.REJECT: "bad", Verdict.ERROR: "bad", Verdict.INCONCLUSIVE: "unsure"}


def write_validation_report(report: E2EValidationReport, target: Path) -> Path:
    """Write the report to the file `target`, completely or not at all; returns `target`.

    Raises BadInput where it cannot be written.
    """
    text = (
        templates()
        .get_template("validation.html.j2")
        .render(
            css=stylesheet("graph.css", "report.css"),
            report=report,
            title=_title(report),
            tone=TONES[report.verdict],
            headline=headline,
            number=_number,
            started=moment_text(datetime.fromtimestamp(report.started, UTC)),
            took=report.finished - report.started,
            made=moment_text(datetime.now(UTC)),
        )
    )
    return write_page(text, target)


def _title(report: E2EValidationReport) -> str:
    number = len(report.results)
    broken = [one.scenario_name for one in report.results if one.verdict is Verdict.ERROR]
    bad = [one.scenario_name for one in report.results if not one.success and one.scenario_name not in broken]
    sections = [one.title for one in report.sections if one.verdict not in (None, Verdict.PASS)]
    if bad or broken:
        told = ((bad, "not as expected"), (broken, "broken"))
        parts = [f"{len(names)} of {number} scenarios {what}: {', '.join(names)}" for names, what in told if names]
        return "; ".join(parts)
    if sections:
        return f"Not ready: {', '.join(sections)}"
    if report.sections:
        ran = sum(one.verdict is not None for one in report.sections)
        return f"Ready, as far as it was checked: {ran} of {len(report.sections)} sections"
    return "The scenario went as expected" if number == 1 else f"All {number} scenarios went as expected"


def _number(value: float | None) -> str:
    """A measured number; whole ones without digits after the point."""
    if value is None:
        return "not measured"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
