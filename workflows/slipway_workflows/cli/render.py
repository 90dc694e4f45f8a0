"""`slipway render`: writes the catalog of workflows as YAML files."""

import click

from slipway_steps.settings import PROJECT_ROOT

MANIFESTS = PROJECT_ROOT / "workflows" / "manifests"
"""The directory of the generated files; `slipway run NAME` runs these."""


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if a file is missing, outdated or superfluous.")
def render(check: bool) -> int:
    """Write the catalog of workflows as YAML files into workflows/manifests."""
    from slipway_workflows import render as renderer

    if not check:
        for line in renderer.write(MANIFESTS) or ["nothing to change"]:
            click.echo(line)
        return 0
    faults = renderer.check(MANIFESTS)
    for fault in faults:
        click.echo(fault, err=True)
    if faults:
        click.echo(f"error: {MANIFESTS} differs from the catalog (run: slipway render)", err=True)
    return 1 if faults else 0
