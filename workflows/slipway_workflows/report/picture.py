"""The graph of a workflow as a single SVG picture."""

from pathlib import Path
from typing import TYPE_CHECKING

from slipway_steps.domain.errors import BadInput
from slipway_workflows.argo import StoredWorkflow
from slipway_workflows.report.graph import steps_of
from slipway_workflows.report.layout import arrange
from slipway_workflows.report.times import duration_text

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).parent


def templates() -> "Environment":
    """The Jinja environment with the templates in the directory of this module."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    found = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    found.globals |= {"duration_text": duration_text}
    return found


def stylesheet(*names: str) -> str:
    """The text of some style sheets in the directory of this module, one after the other."""
    return "".join((HERE / name).read_text(encoding="utf-8") for name in names)


def picture(workflow: StoredWorkflow) -> str:
    """The steps of a workflow, with the branch that it took, as the text of an SVG file.

    Raises BadInput where no node was started.
    """
    root, name = steps_of(workflow), workflow.name or "the workflow"
    if root is None:
        raise BadInput(f"{name} has no nodes: nothing of it was started", "draw a workflow that has run")
    return (
        templates()
        .get_template("picture.svg.j2")
        .render(
            picture=arrange(root, across=True),
            css=stylesheet("graph.css"),
            name=name,
            phase=workflow.phase.value,
        )
    )
