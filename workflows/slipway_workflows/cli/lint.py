"""`slipway lint`: checks workflow files by the rules of `slipway_workflows.lint` and prints the findings."""

from pathlib import Path

import click


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE|DIR...")
@click.option(
    "--output",
    type=click.Choice(["text", "json", "sarif"]),
    default="text",
    show_default=True,
    help="Format of the findings.",
)
def lint(paths: tuple[Path, ...], output: str) -> int:
    """Find mistakes in workflows that Argo's own linter does not check. Files may refer to templates in each other.

    Exit codes: 0 clean, 1 findings, or a file that cannot be read. Rules: docs/lint.md.
    """
    from slipway_workflows import lint as linter
    from slipway_workflows.findings.output import as_json, sarif, text

    findings = linter.lint(paths)
    if output == "json":
        click.echo(as_json([one.as_dict() for one in findings]))
    elif output == "sarif":
        click.echo(sarif(findings, linter.RULES, "slipway lint", "docs/lint.md"))
    elif findings:
        click.echo(text(findings))
        click.echo(f"{len(findings)} findings", err=True)
    return 1 if findings else 0
