"""Shows how far a session is: a bar on a terminal, a line for each run elsewhere. It goes to stderr."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from slipway_steps.domain.perf_metrics import END_TO_END
from slipway_steps.domain.perf_scenario import PerfScenario
from slipway_steps.domain.perf_session import RunSample


def told(sample: RunSample) -> str:
    """One line about a run that has ended."""
    seconds = sample.metrics.get(END_TO_END)
    parts = [sample.run or "not started", "warm-up" if sample.warm_up else "", sample.outcome.value]
    parts += [f"{seconds:.2f} s" if seconds is not None else "", sample.message]
    return "  ".join(part for part in parts if part)


@contextmanager
def progress(scenario: PerfScenario) -> Iterator[Callable[[RunSample], None]]:
    """Yields a function that takes each run that has ended."""
    console = Console(stderr=True)
    if not (sys.stderr.isatty() and console.is_terminal):
        yield lambda sample: click.echo(told(sample), err=True)
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        total = scenario.num_times and scenario.num_times + scenario.warm_up
        task = bar.add_task(scenario.mode, total=total)

        def tell(sample: RunSample) -> None:
            bar.update(task, advance=1, description=f"{scenario.mode}  {told(sample)}")

        yield tell
