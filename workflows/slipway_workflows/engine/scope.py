"""What a template can refer to while its steps run: `steps.NAME...` or `tasks.NAME...`, as flat dotted names."""

from collections.abc import Mapping
from typing import Any

from slipway_workflows.engine.tree import Node


def declared_defaults(template: Mapping[str, Any]) -> dict[str, str]:
    """The outputs of a template that was skipped: their declared defaults."""
    found = {}
    for output in (template.get("outputs") or {}).get("parameters") or []:
        default = (output.get("valueFrom") or {}).get("default")
        if default is not None:
            found[output["name"]] = str(default)
    return found


def of_node(prefix: str, node: Node) -> dict[str, Any]:
    """The names a finished step adds to the scope."""
    start = f"{prefix}.{node.display_name}"
    found: dict[str, Any] = {
        f"{start}.id": node.id,
        f"{start}.status": node.phase,
        f"{start}.startedAt": node.started,
        f"{start}.finishedAt": node.finished or "",
    }
    if node.result is not None:
        found[f"{start}.outputs.result"] = node.result
    if node.exit_code is not None:
        found[f"{start}.exitCode"] = str(node.exit_code)
    return found | {
        f"{start}.outputs.parameters.{name}": value for name, value in (node.defaults | node.outputs).items()
    }
