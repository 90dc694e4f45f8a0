"""`slipway perf observe`: how long templates took that people and releases have run. It starts nothing."""

import json
import time
from typing import TYPE_CHECKING

import click

from slipway_steps.domain.perf_scenario import TARGETS
from slipway_steps.domain.plural import so_many
from slipway_workflows.cli.settings import current_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway_steps.perf.observe import Observed

PAGE = "observed.html"
"""The page, in the directory of state; the next one replaces it."""
STEPS = 3
"""The steps of a template that are shown; JSON has all."""


@click.command()
@click.option("--since", default="7d", show_default=True, metavar="TIME", help="How far back: 30m, 12h, 7d, 4w.")
@click.option("--cluster", is_flag=True, help="The workflows of the cluster, as --target argo.")
@click.option("--target", type=click.Choice(TARGETS), default="local", show_default=True, help="Whose runs are read.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def observe(since: str, cluster: bool, target: str, output: str) -> int:
    """Show for each template how long its finished runs took, where nothing of them ran, and hints of a trend or a
    sudden change. Starts none, judges nothing, and stores no session; the page is observed.html in --home.
    """
    from slipway_steps.adapters.targets.choice import make_target
    from slipway_steps.domain.perf_blanks import ON_ARGO
    from slipway_steps.perf.observe import observe as observed
    from slipway_steps.perf.observe import seconds_of

    settings, begin = current_settings(), time.time() - seconds_of(since)
    chosen = make_target("argo" if cluster else target, settings)
    found = observed(chosen.finished(begin))
    if output == "json":
        click.echo(json.dumps([one.told() for one in found], indent=1))
        return 0
    for one in found:
        for line in _lines(one, with_settings=chosen.name in ON_ARGO):
            click.echo(line)
    if not found:
        click.echo(f"no workflow has ended since {since}")
        return 0
    from slipway_workflows.report.perf_observed import write_observed_report

    click.echo(f"report: {write_observed_report(found, chosen.name, begin, settings.home / PAGE)}")
    return 0


def _lines(one: "Observed", with_settings: bool) -> "Iterator[str]":
    from slipway_steps.domain.perf_blanks import BLANKS

    failed = f", {one.failed} failed" if one.failed else ""
    times = "" if one.median is None or one.p95 is None else f"   median {one.median:.1f} s   p95 {one.p95:.1f} s"
    queue = "" if one.queue is None else f"   queue {one.queue:.1f} s"
    yield f"{one.pipeline}   {so_many(one.runs, 'run')}{failed}{times}{queue}"
    if one.components:
        shown = list(one.components.items())[:STEPS]
        yield "   " + "   ".join(f"{name} {seconds:.1f} s" for name, seconds in shown)
    for name, seconds in one.blanks.items():
        yield f"   {name} {seconds:.1f} s{': ' + BLANKS[name] if with_settings else ''}"
    yield from (f"   hint: {hint}" for hint in one.hints)
