"""`slipway perf`: performance tests of pipelines.

Exit codes: 0 passed, 2 a regression or too many failed runs, 1 inconclusive, broken or bad input.
"""

import click

from slipway_workflows.cli.lazy_group import LazyGroup

COMMANDS = {
    "run": "slipway_workflows.cli.perf.run:run",
    "compare": "slipway_workflows.cli.perf.compare:compare",
    "aa": "slipway_workflows.cli.perf.aa:aa",
    "baseline": "slipway_workflows.cli.perf.baseline:baseline",
    "history": "slipway_workflows.cli.perf.history:history",
    "observe": "slipway_workflows.cli.perf.observe:observe",
    "clean": "slipway_workflows.cli.perf.clean:clean",
}

SUMMARIES = {
    "run": "Run the scenarios of a file and report what was measured.",
    "compare": "Compare two revisions by pairs of runs in turn.",
    "aa": "Find out how far alarms can be believed on this machine.",
    "baseline": "Measure the baseline of a scenario.",
    "history": "Show the sessions of a scenario and their trend.",
    "observe": "Measure workflows that have finished; starts none.",
    "clean": "Remove what killed sessions left behind.",
}


class _Perf(LazyGroup):
    commands_at = COMMANDS
    summaries = SUMMARIES


@click.group(cls=_Perf)
def perf() -> None:
    """Measure how fast pipelines run, and find out whether they got slower."""
