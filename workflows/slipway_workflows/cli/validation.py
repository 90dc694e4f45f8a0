"""`slipway validate-e2e` and `slipway validate-system`: whether pipelines, and all that they need, are fit for use."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slipway_workflows.cli.exit_codes import CODES
from slipway_workflows.cli.settings import current_settings

if TYPE_CHECKING:
    from slipway_steps.domain.validation import E2ETestResult, E2EValidationReport
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
    validator = _validator()
    if scenario.is_dir():
        scenarios = validator.discover_test_scenarios(scenario)
    else:
        scenarios = [validator.read_test_scenario(scenario)]
    named = len(scenarios) > 1
    report = validator.run(scenarios, str(scenario), _Teller(validator, named) if output == "text" else None)
    if output == "json":
        click.echo(_as_json(report, validator))
    elif named:
        good = sum(one.success for one in report.results)
        click.echo(f"{good} of {len(report.results)} scenarios as expected   report: {_relative(validator.page)}")
    return CODES[report.verdict]


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

    validator = _validator()
    scenarios = validator.discover_test_scenarios(directory)
    report = validator.run(scenarios, str(directory), _Teller(validator, True) if output == "text" else None)
    report.sections = sections_of(report.results, current_settings(), Path.cwd(), paths, values)
    validator.write(report)
    if output == "json":
        click.echo(_as_json(report, validator))
    else:
        click.echo("")
        for section in report.sections:
            click.echo(f"{section.title:<26}{section.state:<10}{section.lines[0] if section.lines else ''}")
            for line in section.lines[1:]:
                click.echo(f"{'':<36}{line}")
        click.echo(f"report: {_relative(validator.page)}")
    return CODES[report.verdict]


def _validator() -> "EndToEndValidator":
    from slipway_workflows.validation.end_to_end import EndToEndValidator

    return EndToEndValidator(current_settings())


class _Teller:
    """Prints each result as soon as it is known. named: with the name of the scenario, not the report, in its line."""

    def __init__(self, validator: "EndToEndValidator", named: bool) -> None:
        self.validator, self.named = validator, named

    def __call__(self, result: "E2ETestResult") -> None:
        from slipway_workflows.validation.lines import faults_of, line_of

        end = "" if self.named else f"   report: {_relative(self.validator.page)}"
        click.echo(f"{result.scenario_name + ': ' if self.named else ''}{line_of(result)}{end}")
        for line in faults_of(result):
            click.echo(f"  {line}")


def _as_json(report: "E2EValidationReport", validator: "EndToEndValidator") -> str:
    told = report.model_dump(mode="json") | {"verdict": report.verdict.value, "report": str(validator.page)}
    return json.dumps(told, indent=1)


def _relative(path: Path) -> Path:
    """The path from the working directory where it is below that, else as it is."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
