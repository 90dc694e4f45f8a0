"""The HTML reports of performance tests: each is one file that loads no other file and runs no script."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from slipway_steps.domain.perf_comparison import PerfComparison
from slipway_steps.domain.perf_session import PerfSession
from slipway_steps.domain.verdict import Verdict
from slipway_workflows.report import perf_plots
from slipway_workflows.report.page_file import write_page
from slipway_workflows.report.perf_plots import HistoryPoint
from slipway_workflows.report.perf_table import (
    amount,
    blanks,
    median_run,
    metric_rows,
    request_summary,
    waterfall,
)
from slipway_workflows.report.picture import stylesheet, templates
from slipway_workflows.report.plots import Plot
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
    run, scenario = median_run(session), session.scenario
    plots = [perf_plots.run_times(session), perf_plots.request_latencies(session), perf_plots.history(history, hint)]
    text = _render(
        "perf.html.j2",
        session,
        plots,
        lead=[*session.errors, *session.notes],
        about=[scenario.mode, scenario.kind, scenario.pipeline_file_name or scenario.name],
        session=session,
        rows=metric_rows(session),
        steps=session.steps(),
        run=run,
        bars=waterfall(run) if run else [],
        blanks=blanks(session, run) if run else [],
        requests=request_summary(session),
    )
    return write_page(text, target)


def write_comparison_report(comparison: PerfComparison, target: Path) -> Path:
    """Write the report of a comparison to the file `target`, completely or not at all; returns `target`.

    Raises BadInput where `target` cannot be written.
    """
    noise = [
        perf_plots.pair_noise(metric.metric, [one for one in logs if one is not None])
        for metric in comparison.metrics
        for logs in [[pair.log_ratio(metric.metric) for pair in comparison.pairs]]
    ]
    text = _render(
        "perf_comparison.html.j2",
        comparison,
        [perf_plots.forest(comparison.metrics), *noise],
        lead=comparison.notes,
        about=[f"{comparison.base} and {comparison.head}", comparison.scenario.pipeline_file_name],
        comparison=comparison,
    )
    return write_page(text, target)


def _render(
    template: str,
    result: PerfSession | PerfComparison,
    plots: Sequence[Plot | None],
    *,
    about: list[str],
    **more: object,
) -> str:
    """A page with what both kinds of results have: title, verdict, checks, plots, the machine."""
    jinja = templates()
    jinja.globals |= {"amount": amount}
    return jinja.get_template(template).render(
        css=stylesheet("graph.css", "report.css"),
        name=result.name,
        about=[one for one in about if one],
        title=_title(result),
        tone=TONES[result.verdict],
        checks=result.checks,
        fingerprint=result.fingerprint,
        # requests alone, to a cluster, measure none of its nodes
        ran=not isinstance(result, PerfSession) or bool(result.runs) or result.fingerprint.target == "local",
        plots=[plot for plot in plots if plot],
        started=moment_text(datetime.fromtimestamp(result.started, UTC)),
        took=result.finished - result.started,
        made=moment_text(datetime.now(UTC)),
        **more,
    )


def _title(result: PerfSession | PerfComparison) -> str:
    failures = [check.code for check in result.checks if check.verdict is result.verdict]
    named = f": {', '.join(failures)}" if failures and result.verdict is not Verdict.PASS else ""
    title = TITLES[result.verdict]
    if result.verdict is Verdict.PASS and isinstance(result, PerfComparison):
        title = "Head is no slower than the limits allow"
    return f"{title}{named}"
