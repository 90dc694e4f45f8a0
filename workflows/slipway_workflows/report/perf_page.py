"""The HTML report of a performance test: one file that loads no other file and runs no script."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from slipway_steps.domain.perf_session import PerfSession
from slipway_steps.domain.verdict import Verdict
from slipway_workflows.report import perf_plots
from slipway_workflows.report.page_file import write_page
from slipway_workflows.report.perf_plots import HistoryPoint
from slipway_workflows.report.perf_table import (
    amount,
    median_run,
    metric_rows,
    request_summary,
    step_rows,
    waterfall,
)
from slipway_workflows.report.picture import stylesheet, templates
from slipway_workflows.report.times import moment_text

TONES = {Verdict.PASS: "good", Verdict.REJECT: "bad", Verdict.INCONCLUSIVE: "unsure", Verdict.ERROR: "bad"}
TITLES = {
    Verdict.PASS: "The pipeline runs as it should",
    Verdict.REJECT: "Rejected",
    Verdict.INCONCLUSIVE: "Inconclusive: too little is known",
    Verdict.ERROR: "The test could not be made",
}


def write_perf_report(session: PerfSession, target: Path, history: Sequence[HistoryPoint] = (), hint: str = "") -> Path:
    """Write the report of a session to the file `target`, completely or not at all; returns `target`.

    history: earlier sessions of the same scenario on the same machine. hint: what their trend says. Raises BadInput
    where `target` cannot be written.
    """
    run = median_run(session)
    plots = [perf_plots.run_times(session), perf_plots.request_latencies(session), perf_plots.history(history, hint)]
    jinja = templates()
    jinja.globals |= {"amount": amount}
    text = jinja.get_template("perf.html.j2").render(
        css=stylesheet("graph.css", "report.css"),
        session=session,
        title=_title(session),
        tone=TONES[session.verdict],
        rows=metric_rows(session),
        steps=step_rows(session),
        run=run,
        bars=waterfall(run) if run else [],
        requests=request_summary(session),
        plots=[plot for plot in plots if plot],
        started=moment_text(datetime.fromtimestamp(session.started, UTC)),
        made=moment_text(datetime.now(UTC)),
    )
    return write_page(text, target)


def _title(session: PerfSession) -> str:
    failures = [check.code for check in session.checks if check.verdict is session.verdict]
    named = f": {', '.join(failures)}" if failures and session.verdict is not Verdict.PASS else ""
    return f"{TITLES[session.verdict]}{named}"
