"""The HTML page of finished runs that were read: one file that loads no other file and runs no script."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from slipway_steps.domain.perf_blanks import BLANKS, ON_ARGO
from slipway_steps.domain.plural import so_many
from slipway_steps.perf.observe import Observed
from slipway_workflows.report.page_file import write_page
from slipway_workflows.report.perf_plots import HistoryPoint, finished_runs
from slipway_workflows.report.perf_table import amount
from slipway_workflows.report.picture import stylesheet, templates
from slipway_workflows.report.times import moment_text

PLOTS = 12
"""Templates that are drawn, those with the most time; all of them are in the tables."""
LEAD = (
    "Hints judge nothing: runs of people differ in their data and parameters. Nothing here is stored as a session or "
    "compared with a baseline; slipway perf run and slipway perf compare do that."
)


def write_observed_report(found: Sequence[Observed], target: str, since: float, path: Path) -> Path:
    """Write the page to the file `path`, completely or not at all; returns `path`.

    target: whose runs they are. since: Unix seconds from which on they ended. Raises BadInput where `path` cannot be
    written.
    """
    plots = [
        finished_runs(one.pipeline, [HistoryPoint(at, seconds) for at, seconds in one.times], "; ".join(one.hints))
        for one in found[:PLOTS]
    ]
    jinja = templates()
    jinja.globals |= {"amount": amount}
    runs = so_many(sum(one.runs for one in found), "run")
    text = jinja.get_template("perf_observed.html.j2").render(
        css=stylesheet("graph.css", "report.css"),
        name=target,
        about=[f"{runs} that ended since {moment_text(datetime.fromtimestamp(since, UTC))}"],
        title="What finished runs tell",
        tone="unsure" if any(one.hints for one in found) else "good",
        lead=[LEAD],
        fingerprint=None,
        checks=[],
        plots=[plot for plot in plots if plot],
        made=moment_text(datetime.now(UTC)),
        found=found,
        settings=BLANKS,
        with_settings=target in ON_ARGO,
    )
    return write_page(text, path)
