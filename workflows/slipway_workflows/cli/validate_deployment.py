"""`slipway validate-deployment`: finds what is wrong with a deployment before anything of it is installed."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slipway_steps.domain.errors import BadInput
from slipway_workflows.cli.exit_codes import REJECTED

if TYPE_CHECKING:
    from slipway_workflows.validation.deployment import Validated
    from slipway_workflows.validation.self_test import Planted

TOOL = "slipway validate-deployment"


@click.command("validate-deployment")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
@click.option(
    "--values", "-f", multiple=True, type=click.Path(path_type=Path), help="File of values, as for helm; repeatable."
)
@click.option(
    "--output",
    type=click.Choice(["text", "json", "sarif"]),
    default="text",
    show_default=True,
    help="Format of the findings.",
)
@click.option(
    "--self-test", is_flag=True, help="Plant faults into these charts and manifests, and say which are found."
)
def validate_deployment(paths: tuple[Path, ...], values: tuple[Path, ...], output: str, self_test: bool) -> int:
    """Find what is wrong with charts, Kubernetes manifests, Dockerfiles, compose files and workflows of GitHub.

    A chart is rendered first; a directory stands for all that is in it. What is given together may refer to each other.

    Exit codes: 0 clean, 2 findings, 1 what cannot be read. Codes, and how to accept a finding: docs/validation.md.
    """
    try:
        if self_test:
            from slipway_workflows.validation.self_test import plant_all

            return _print_planted(plant_all(paths, values), output)
        from slipway_workflows.validation.deployment import validate

        return _print_findings(validate(paths, values), output)
    except RecursionError as error:
        raise BadInput(f"{', '.join(map(str, paths))}: nested too deeply", "correct the YAML") from error


def _print_findings(found: "Validated", output: str) -> int:
    from slipway_workflows.findings.output import as_json, sarif, text
    from slipway_workflows.validation.codes import CODES, PAGE

    if output == "json":
        told = {
            "findings": [one.as_dict() for one in found.findings],
            "waived": [{**one.finding.as_dict(), "reason": one.reason} for one in found.waived],
            "layers": found.layers,
        }
        click.echo(as_json(told))
    elif output == "sarif":
        notes = [f"{layer}: {state}" for layer, state in found.layers.items() if state != "run"]
        click.echo(sarif(found.findings, list(CODES.values()), TOOL, PAGE, notes))
    elif found.findings:
        click.echo(text(found.findings, "  "))
    for one in found.waived:
        place = f"{one.finding.file}:{one.finding.line}"
        click.echo(f"waived: {place}  {one.finding.rule}  {one.finding.message}  ({one.reason})", err=True)
    layers = ", ".join(f"{layer} {state}" for layer, state in found.layers.items())
    click.echo(f"{len(found.findings)} findings in {found.what}; {layers}", err=True)
    return REJECTED if found.findings else 0


def _print_planted(planted: "Sequence[Planted]", output: str) -> int:
    from slipway_workflows.findings.output import as_json

    if output == "sarif":
        raise click.UsageError("--self-test has no SARIF; give --output text or json")
    if output == "json":
        click.echo(as_json([one.as_dict() for one in planted]))
    else:
        width = max(len(one.fault) for one in planted)
        for one in planted:
            click.echo(f"{one.fault:<{width}}  {one.told}")
    missed = [one for one in planted if one.missed]
    done = sum(bool(one.found) for one in planted)
    click.echo(f"{done} of {len(planted)} faults found, {len(missed)} missed", err=True)
    return REJECTED if missed else 0
