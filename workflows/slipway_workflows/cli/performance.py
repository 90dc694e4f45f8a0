"""`slipway monitor-performance`: measures a workflow while it runs on this machine."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import click

from slipway_steps.domain.performance import mebibytes
from slipway_workflows.argo.times import seconds_between
from slipway_workflows.cli import backend
from slipway_workflows.cli.live import name_for_people
from slipway_workflows.cli.settings import current_settings

if TYPE_CHECKING:
    from slipway_steps.domain.performance import PerformanceMetrics
    from slipway_workflows.engine import StoredRun
    from slipway_workflows.local.monitor import RunMonitor, RunPerformance

EVERY = 1.0
"""Seconds between two measurements."""
END_EVERY = 0.1
"""Seconds between two looks whether the run has ended."""


@click.command("monitor-performance")
@click.argument("workflow", default=backend.LATEST)
@click.option(
    "--duration", type=click.FloatRange(0, min_open=True), help="Seconds to measure; without: to the end of the run."
)
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def monitor_performance(workflow: str, duration: float | None, output: str) -> int:
    """Measure each second what the running WORKFLOW of this machine uses, as a whole and for each step.

    WORKFLOW is a name; without it, or as @latest, the newest. Ends with the run, after --duration or with Ctrl-C, and
    then tells what was measured and what follows for the limits. Of a run that has ended, it tells what is stored.
    """
    from slipway_workflows import engine
    from slipway_workflows.local.monitor import RunMonitor, stored_performance

    name = backend.newest_or_named(backend.local_workflows(), workflow)
    run = engine.stored_run(current_settings().home, name)
    if not run.alive:
        stored = stored_performance(run.directory)
        if output == "json":
            click.echo(stored.model_dump_json(indent=2) if stored else "null")
        else:
            click.echo(_of_ended(run, stored))
        return 0
    monitor = RunMonitor(run.directory)
    watch(monitor, duration, live=output == "text" and sys.stderr.isatty())
    found = monitor.store()
    click.echo(found.model_dump_json(indent=2) if output == "json" else summary(found))
    return 0


def watch(monitor: "RunMonitor", duration: float | None, live: bool) -> None:
    """Measure until the run has ended, or so many seconds have passed, or somebody presses Ctrl-C.

    `live`: show a table on the terminal meanwhile.
    """
    end = time.monotonic() + duration if duration is not None else float("inf")
    try:
        with _table_on_terminal(monitor) if live else nullcontext(lambda: None) as show:
            while monitor.sample() and time.monotonic() < end:
                show()
                until = min(time.monotonic() + EVERY, end)
                while monitor.alive and (left := until - time.monotonic()) > 0:
                    time.sleep(min(left, END_EVERY))
    except KeyboardInterrupt:
        click.echo("interrupted; this was measured:", err=True)


@contextmanager
def _table_on_terminal(monitor: "RunMonitor") -> Iterator[Callable[[], None]]:
    """Yields a function that shows what was measured so far; the table is gone afterwards."""
    from rich.console import Console
    from rich.live import Live
    from rich.table import Table

    with Live(console=Console(stderr=True), transient=True, auto_refresh=False) as screen:

        def show() -> None:
            found = monitor.performance()
            running = {monitor.name_of(node) for node in monitor.live}
            table = Table(caption=_of_run(found.run), box=None)
            for title, *_ in COLUMNS:
                table.add_column(title, justify="left" if title == "step" else "right")
            for step in found.steps:
                table.add_row(*_cells(step), style="bold" if step.subject in running else "dim")
            screen.update(table, refresh=True)

        yield show


COLUMNS: tuple[tuple[str, Callable[["PerformanceMetrics"], str]], ...] = (
    ("step", lambda step: name_for_people(step.subject)),
    ("seconds", lambda step: f"{step.seconds:.1f}"),
    ("cores", lambda step: f"{step.cores:.2f}" if step.seconds else "-"),
    ("peak", lambda step: mebibytes(step.peak)),
    ("limit", lambda step: mebibytes(step.memory_limit) if step.memory_limit else "-"),
    ("read", lambda step: mebibytes(step.read)),
    ("written", lambda step: mebibytes(step.written)),
)
"""The columns of the table of steps: title, and text of a step."""


def _cells(step: "PerformanceMetrics") -> list[str]:
    return [text(step) for _, text in COLUMNS]


def _of_run(run: "PerformanceMetrics") -> str:
    return (
        f"{run.subject}: {run.cores:.2f} cores, peak {mebibytes(run.peak)}, read {mebibytes(run.read)}, "
        f"written {mebibytes(run.written)}, at most {run.concurrency} steps at a time, measured {run.seconds:.1f} s"
    )


def summary(found: "RunPerformance") -> str:
    """What was measured, as text: the run, a line for each step, and what follows."""
    lines = [_of_run(found.run)]
    if found.steps:
        rows = [[title for title, _ in COLUMNS], *map(_cells, found.steps)]
        widths = [max(len(row[at]) for row in rows) for at in range(len(COLUMNS))]
        lines += ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows]
    if found.unseen:
        lines.append(f"{found.unseen} more ended before they could be measured")
    for one in found.recommendations():
        lines.append(str(one.model_copy(update={"subject": name_for_people(one.subject)})))
    return "\n".join(lines)


def _of_ended(run: "StoredRun", measured: "RunPerformance | None") -> str:
    """The line on a run that has ended."""
    workflow = run.workflow
    phase = "its engine died" if run.died else str(workflow.phase)
    seconds = seconds_between(workflow.started, workflow.finished) if workflow.finished else None
    took = f" in {seconds:.0f} s" if seconds is not None else ""
    steps = sum(not node.phase.left_out for node in workflow.pods)
    told = _of_run(measured.run).partition(": ")[2] if measured else "not measured: start this while it runs"
    return f"{run.name}: {phase}{took}, {steps} steps; {told}"
