"""`slipway perf compare --serving BASE HEAD`: two registered model versions, compared as they are served."""

import os
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slipway_steps.domain.comparison import Side
from slipway_steps.domain.plural import so_many
from slipway_steps.domain.verdict import Verdict
from slipway_workflows.cli.exit_codes import CODES

if TYPE_CHECKING:
    from slipway_steps.perf.serving import ServingComparison
    from slipway_steps.settings import Settings


def compare_versions(base: str, head: str, settings: "Settings", output: str) -> int:
    """Serve both versions from this machine, compare them, and print the result; returns the exit code."""
    from slipway_steps.files import replace_file
    from slipway_steps.perf.sides import new_name
    from slipway_workflows.cli.perf.compare import FILE
    from slipway_workflows.cli.perf.interrupts import interrupted_by_sigterm

    place, began = settings.home / "perf" / new_name(), time.monotonic()
    with interrupted_by_sigterm():
        found = _compared({Side.BASE: base, Side.HEAD: head}, settings, place)
    replace_file(place / FILE, found.model_dump_json(indent=1))
    if output == "json":
        click.echo(found.model_dump_json(indent=1))
    elif output == "junit":
        from slipway_workflows.report.perf_formats import PerfSuite, junit

        # without the versions, as CI finds the history of a suite by its name
        click.echo(junit([PerfSuite("serving", place.name, found.checks, time.monotonic() - began)]))
    else:
        metric = found.metric
        ratio = str(metric.ratio) if metric.ratio else "no ratio"
        click.echo(f"served on this machine · base version {base} · head version {head}")
        pairs = so_many(metric.pairs, "pair")
        click.echo(f"{metric.metric:<13}{ratio}   limit ×{metric.limit:.2f}   {pairs}   {metric.verdict}")
        said = [check.message for check in found.checks if check.verdict is not Verdict.PASS]
        click.echo(f"{found.verdict}: {'; '.join(said)}" if said else "passed")
    if any(check.code == "interrupted" for check in found.checks):
        raise KeyboardInterrupt
    return CODES[found.verdict]


def _compared(versions: dict[Side, str], settings: "Settings", place: Path) -> "ServingComparison":
    from slipway_steps.adapters.world import make_world
    from slipway_steps.domain.package import read_package
    from slipway_steps.files import lock_directory
    from slipway_steps.perf.serving import ServingPair, compare_serving
    from slipway_steps.perf.serving_apps import PREFIX, served

    world = make_world(settings)
    run = world.registry.run_of(versions[Side.BASE])
    for version in versions.values():
        world.registry.candidate(version)  # before anything is started
    with ExitStack() as opened:
        opened.callback(os.close, lock_directory(place))
        package = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        image = read_package(world.registry.download_package(run, package)).samples[0]
        urls = {
            side: opened.enter_context(served(world, version, place / f"{PREFIX}{side}"))
            for side, version in versions.items()
        }

        def tell(pair: ServingPair) -> None:
            told = "   ".join(f"{side} p95 {pair.p95[side]:.0f} ms" for side in Side)
            click.echo(told, err=True)

        return compare_serving(versions, urls, image, world.load_generator, on_pair=tell)
