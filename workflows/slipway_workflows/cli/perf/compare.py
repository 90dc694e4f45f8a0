"""`slipway perf compare`: two revisions of a pipeline, compared by pairs of runs in turn."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slipway_steps.domain.comparison import Side
from slipway_steps.domain.errors import BadInput, SlipwayError
from slipway_steps.domain.perf_scenario import TARGETS, PerfScenario
from slipway_steps.domain.plural import so_many
from slipway_steps.domain.verdict import Check, Verdict, judge
from slipway_workflows.cli.exit_codes import CODES, UNDECIDED, WORST
from slipway_workflows.cli.perf.interrupts import interrupted_by_sigterm
from slipway_workflows.cli.perf.run import junit
from slipway_workflows.cli.settings import current_settings

if TYPE_CHECKING:
    from slipway_steps.domain.perf_comparison import PerfComparison
    from slipway_steps.settings import Settings

FILE = "comparison.json"
"""The file with all of a comparison, in the directory of head's session."""


@click.command()
@click.argument("scenario", required=False, type=click.Path(path_type=Path), metavar="SCENARIO.JSON")
@click.option("--base", default="", metavar="REVISION", help="What to compare with: a branch, tag or commit.")
@click.option("--head", default="", show_default=".", metavar="REVISION", help=". is the working tree.")
@click.option("--target", type=click.Choice(TARGETS), help="Where the pipelines run, instead of the scenario's target.")
@click.option(
    "--serving", nargs=2, metavar="BASE HEAD", help="Compare two registered model versions as they are served, instead."
)
@click.option("--output", type=click.Choice(["text", "json", "junit"]), default="text", show_default=True)
def compare(
    scenario: Path | None, base: str, head: str, target: str | None, serving: tuple[str, str] | None, output: str
) -> int:
    """Compare two revisions of the pipelines of a scenario, by pairs of runs in random order.

    The scenario is read from the file as it is now, the pipeline from each revision. After 10, 20, 30 and 40 pairs the
    intervals are judged; runTime is the deadline of all of it. With --serving two model versions are served side by
    side, and runs of requests take the place of runs of a pipeline.

    Exit codes: 0 passed, 2 a regression or too many failed runs, 1 inconclusive, broken or bad input, 130 after Ctrl-C;
    what was measured until then is kept.
    """
    from slipway_steps.perf.modes import mode_names
    from slipway_steps.perf.scenario_file import read_scenarios

    settings = current_settings()
    if serving:
        from slipway_workflows.cli.perf.serving import compare_versions

        if scenario or base or head or target:
            raise BadInput("--serving compares model versions and takes no scenario", "leave the other options out")
        return compare_versions(*serving, settings, output)
    if scenario is None or not base:
        raise BadInput("name a scenario and --base", "slipway perf compare scenario.json --base v0.3")
    scenarios = read_scenarios(scenario, mode_names(), target)
    found = []
    with interrupted_by_sigterm():
        for one in scenarios:
            found.append(_compared(one, scenario, {Side.BASE: base, Side.HEAD: head or "."}, settings))
            if was_interrupted(found[-1]):
                break
        reported = _show(found, output, settings)
    if was_interrupted(found[-1]):
        raise KeyboardInterrupt
    codes = {CODES[one.verdict] for one in found} | (set() if reported else {UNDECIDED})
    return next(code for code in WORST if code in codes)


def was_interrupted(comparison: "PerfComparison") -> bool:
    """Whether a person ended it."""
    from slipway_steps.perf.compare import INTERRUPTED

    return any(check.code == INTERRUPTED for check in comparison.checks)


def _compared(scenario: PerfScenario, file: Path, revisions: dict[Side, str], settings: "Settings") -> "PerfComparison":
    from slipway_steps.adapters.targets.choice import make_target
    from slipway_steps.files import replace_file
    from slipway_steps.perf.compare import compare
    from slipway_steps.perf.keeping import STORED
    from slipway_steps.perf.sides import new_name, open_side, pipeline_at
    from slipway_steps.perf.yardstick import yardstick
    from slipway_workflows.cli.perf.progress import progress

    name, directory, sides = new_name(), settings.home / "perf", {}
    with ExitStack() as opened:
        for side, revision in revisions.items():
            target = make_target(scenario.target, settings)
            sides[side] = opened.enter_context(open_side(scenario, target, directory, f"{name}-{side}", revision))
            pipeline, label = pipeline_at(scenario, file, revision, sides[side].directory / "source")
            sides[side].label = label
            sides[side].prepare(pipeline)
        place = sides[Side.HEAD].directory
        # how many pairs there will be, nobody knows
        tell = opened.enter_context(progress(scenario.model_copy(update={"num_times": None})))
        found = compare(
            scenario,
            sides,
            name=name,
            yardstick=lambda: yardstick(place),
            on_run=lambda side, sample: tell(sample),
        )
    found = found.model_copy(update={"notes": [*found.notes, *(one.left for one in sides.values() if one.left)]})
    try:
        place.mkdir(parents=True, exist_ok=True)  # a side that ran nothing leaves nothing
        replace_file(place / FILE, found.model_dump_json(indent=1))
    except OSError as error:  # such as a full disk; what was measured is printed all the same
        failed = Check(code=STORED, verdict=Verdict.ERROR, message=f"cannot write {place / FILE}: {error.strerror}")
        checks = [*found.checks, failed]
        found = found.model_copy(update={"checks": checks, "verdict": judge(checks)})
    return found


def _show(found: "list[PerfComparison]", output: str, settings: "Settings") -> bool:
    """Write the reports and print what was measured; returns whether all reports could be written."""
    from slipway_workflows.report.perf_page import write_comparison_report

    places = [settings.home / "perf" / f"{one.name}-{Side.HEAD}" / "report.html" for one in found]
    reports: list[Path | None] = []
    for one, place in zip(found, places, strict=True):
        try:
            reports.append(write_comparison_report(one, place))
        except (SlipwayError, OSError) as error:
            click.echo(f"warning: {error}", err=True)
            reports.append(None)
    if output == "json":
        told = [one.model_dump(mode="json") for one in found]
        click.echo(json.dumps(told if len(told) != 1 else told[0], indent=1))
    elif output == "junit":
        click.echo(junit(found))
    else:
        for one, report in zip(found, reports, strict=True):
            for line in lines(one):
                click.echo(line)
            click.echo(f"report: {report or 'none'}")
    return None not in reports


def lines(found: "PerfComparison") -> Iterator[str]:
    """What was compared, a line for each metric, then the verdict."""
    scenario = found.scenario
    title = scenario.name or scenario.pipeline_file_name
    yield f"{title} · {found.fingerprint.target} · base {found.base} · head {found.head}"
    width = max([len(one.metric) for one in found.metrics] + [10]) + 3
    for one in found.metrics:
        ratio = str(one.ratio) if one.ratio else "no ratio"
        yield f"{one.metric:<{width}}{ratio}   limit ×{one.limit:.2f}   {so_many(one.pairs, 'pair')}   {one.verdict}"
    yield from found.notes
    yield _verdict(found)


def _verdict(found: "PerfComparison") -> str:
    if found.verdict is Verdict.PASS:
        return "passed: no metric grew by more than its limit"
    word = "rejected" if found.verdict is Verdict.REJECT else str(found.verdict)
    places = {one.metric: one.where for one in found.metrics}
    told = []
    for check in found.checks:
        if check.verdict is found.verdict or (found.verdict is Verdict.INCONCLUSIVE and check.verdict is Verdict.ERROR):
            place = places.get(check.code)
            message = f"{check.code}; {place}" if place else check.code if check.code in places else check.message
            told.append(message)
    return f"{word}: {'; '.join(told)}"
