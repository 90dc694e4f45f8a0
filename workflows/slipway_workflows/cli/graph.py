"""`slipway graph`: the graph of a workflow as a picture."""

import json
from pathlib import Path

import click

from slipway_steps.domain.errors import BadInput
from slipway_steps.files import replace_file
from slipway_workflows.cli import cluster


@click.command()
@click.argument("workflow", metavar="WORKFLOW|FILE")
@click.option(
    "--output", "-o", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The SVG file to write."
)
@cluster.option
def graph(workflow: str, output: Path, on_cluster: bool) -> None:
    """Draw WORKFLOW, its steps and the branch it took, as SVG; @latest: the newest.

    FILE: a Workflow as JSON, as slipway get -o json prints it.
    """
    from slipway_workflows import engine
    from slipway_workflows.cli.runs import named
    from slipway_workflows.report import picture

    if workflow.endswith(".json"):
        try:
            found = json.loads(Path(workflow).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise BadInput(f"{workflow} cannot be read: {error}", "write one: slipway get NAME -o json") from error
        if not isinstance(found, dict) or found.get("kind") != "Workflow":
            raise BadInput(f"{workflow} holds no Workflow", "write one: slipway get NAME -o json")
    elif on_cluster:
        found = cluster.workflows().get(named(workflow, on_cluster=True))
    else:
        from slipway_steps.settings import Settings

        found = engine.stored(Settings().home, named(workflow))[1]
    replace_file(output, picture(found))
    click.echo(f"{output}: {found['metadata']['name']}")
