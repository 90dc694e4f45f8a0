"""`slipway validate-e2e` and `slipway validate-system`: whether pipelines, and all that they need, are fit for use."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slipway_steps.domain.errors import SlipwayError
from slipway_workflows.cli import fail
from slipway_workflows.cli.exit_codes import CODES, UNDECIDED
from slipway_workflows.cli.settings import current_settings

if TYPE_CHECKING:
    from slipway_steps.domain.validation import E2ETestResult, E2EValidationReport, ReadinessSection
    from slipway_workflows.validation.end_to_end import EndToEndValidator

output_option = click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)


@click.command("validate-e2e")
@click.argument("scenario", type=click.Path(path_type=Path), metavar="SCENARIO.YAML|DIRECTORY")
@output_option
def validate_e2e(scenario: Path, output: str) -> int:
    """Run a scenario, or all of a directory, under its limits, and say whether it went as expected.

    Every scenario runs with a home of its own, which is removed: nothing that people use is touched. Exit codes: 0 as
    expected, 2 not as expected, 1 bad input, or something broke.
    """
    with _interruptible():
        validator = _validator()
        if scenario.is_dir():
            scenarios = validator.discover_test_scenarios(scenario)
        else:
            scenarios = [validator.read_test_scenario(scenario)]
        named = len(scenarios) > 1
        report = validator.results_of(scenarios, str(scenario), _tell_named if output == "text" and named else None)
        page = _written(validator, report)
        if output == "json":
            click.echo(_as_json(report, page))
        else:
            where = f"   report: {_relative(page)}" if page else ""
            if named:
                good = sum(one.success for one in report.results)
                click.echo(f"{good} of {len(report.results)} scenarios as expected{where}")
            else:
                _tell(report.results[0], end=where)
        return CODES[report.verdict] or (0 if page else UNDECIDED)


@click.command("validate-system")
@click.argument("directory", type=click.Path(path_type=Path))
@click.option(
    "--deployment",
    "paths",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="What is to be deployed; repeatable. Absent: images/ and compose.yaml of the working directory.",
)
@click.option(
    "--values",
    "-f",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Values of the charts among what is to be deployed, as for helm; repeatable.",
)
@output_option
def validate_system(directory: Path, paths: tuple[Path, ...], values: tuple[Path, ...], output: str) -> int:
    """Check the health, validate the deployment, run every scenario of DIRECTORY: one report, the readiness checklist.

    Exit codes: 0 ready as far as it was checked, 2 something was judged bad, 1 bad input, or something broke.
    """
    from slipway_workflows.validation.system import sections_of

    with _interruptible():
        validator = _validator()
        scenarios = validator.discover_test_scenarios(directory)
        report = validator.results_of(scenarios, str(directory), _tell_named if output == "text" else None)
        report.sections = sections_of(report.results, current_settings(), Path.cwd(), paths, values)
        page = _written(validator, report)
        if output == "json":
            click.echo(_as_json(report, page))
        else:
            _tell_sections(report.sections)
            if page:
                click.echo(f"report: {_relative(page)}")
        return CODES[report.verdict] or (0 if page else UNDECIDED)


def _validator() -> "EndToEndValidator":
    from slipway_workflows.validation.end_to_end import EndToEndValidator

    return EndToEndValidator(current_settings())


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM ends the block as Ctrl-C does. What is cleaned up then is not interrupted by the next of them."""
    from slipway_steps.perf.signals import Signals

    with Signals() as signals:
        signals.raising()
        yield


def _tell(result: "E2ETestResult", begin: str = "", end: str = "") -> None:
    """Print a result: its line, and below it what is not as expected."""
    from slipway_workflows.validation.lines import faults_of, line_of

    click.echo(f"{begin}{line_of(result)}{end}")
    for line in faults_of(result):
        click.echo(f"  {line}")


def _tell_named(result: "E2ETestResult") -> None:
    """Print one of several results as soon as it is known."""
    _tell(result, begin=f"{result.scenario_name}: ")


def _tell_sections(sections: Sequence["ReadinessSection"]) -> None:
    click.echo("")
    for section in sections:
        click.echo(f"{section.title:<26}{section.state:<10}{section.lines[0] if section.lines else ''}")
        for line in section.lines[1:]:
            click.echo(f"{'':<36}{line}")


def _written(validator: "EndToEndValidator", report: "E2EValidationReport") -> Path | None:
    """Write the report; returns its page. None, and an error on stderr, where it cannot be written."""
    try:
        return validator.write(report)
    except SlipwayError as error:
        fail(str(error))
        return None


def _as_json(report: "E2EValidationReport", page: Path | None) -> str:
    told = report.model_dump(mode="json") | {"verdict": report.verdict.value, "report": str(page) if page else None}
    return json.dumps(told, indent=1)


def _relative(path: Path) -> Path:
    """The path from the working directory where it is below that, else as it is."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
