"""`slipway render`: the catalog as YAML."""

import click

from slipway_steps.settings import PROJECT_ROOT

MANIFESTS = PROJECT_ROOT / "workflows" / "manifests"
"""The generated files; what `slipway run NAME` runs."""


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; fail on a stale, missing or orphaned file.")
def render(check: bool) -> int:
    """Write workflows/manifests from the catalog."""
    from slipway_workflows import render as renderer

    if not check:
        for line in renderer.write(MANIFESTS) or ["nothing to change"]:
            click.echo(line)
        return 0
    faults = renderer.check(MANIFESTS)
    for fault in faults:
        click.echo(fault, err=True)
    if faults:
        click.echo(f"error: {MANIFESTS} is not what the catalog says (run: slipway render)", err=True)
    return 1 if faults else 0
