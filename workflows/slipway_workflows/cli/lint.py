"""`slipway lint`."""

from pathlib import Path

import click


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE|DIR...")
@click.option("--output", type=click.Choice(["text", "json", "sarif"]), default="text", show_default=True)
def lint(paths: tuple[Path, ...], output: str) -> int:
    """Find what Argo's own linter leaves unchecked in workflows. Files may refer to each other's templates.

    Exit codes: 0 clean, 1 findings, or a file that cannot be read. Rules: docs/lint.md.
    """
    from slipway_workflows import lint as linter

    findings = linter.lint(paths)
    if output == "json":
        click.echo(linter.as_json(findings))
    elif output == "sarif":
        click.echo(linter.sarif(findings, linter.RULES))
    elif findings:
        click.echo(linter.text(findings))
        click.echo(f"{len(findings)} findings", err=True)
    return 1 if findings else 0
