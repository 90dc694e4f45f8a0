"""The names that every template of a run can read: `workflow.*`, with the outputs that have a `globalName`."""

from typing import Any

from slipway_workflows.engine.manifests.arguments import by_name
from slipway_workflows.engine.run.scopes import Artifact
from slipway_workflows.engine.state.nodes import Node


class GlobalOutputs:
    """The global names of one run. `values`: the names that it begins with, and their values."""

    def __init__(self, values: dict[str, str | None]) -> None:
        self.values = values
        """Dotted names, such as `workflow.name` or `workflow.outputs.parameters.verdict`, and their values."""
        self.artifacts: dict[str, Artifact] = {}
        """Global artifacts by dotted name, such as `workflow.outputs.artifacts.model`."""
        self.stored: dict[str, list[dict[str, Any]]] = {}
        """The global outputs as `status.outputs` of the workflow holds them."""

    def publish(self, node: Node) -> None:
        """Make those outputs of a node global that have a `globalName`. A later one replaces one of the same name."""
        for parameter in node.outputs.get("parameters") or []:
            name, value = parameter.get("globalName"), parameter.get("value")
            if name and value is not None:
                self.values[f"workflow.outputs.parameters.{name}"] = value
                self._store("parameters", {"name": name, "value": value})
        for artifact in node.outputs.get("artifacts") or []:
            name = artifact.get("globalName")
            if name:
                self.artifacts[f"workflow.outputs.artifacts.{name}"] = artifact
                kept = {key: value for key, value in artifact.items() if key != "globalName"}
                self._store("artifacts", {**kept, "name": name})

    def _store(self, kind: str, item: dict[str, Any]) -> None:
        items = self.stored.setdefault(kind, [])
        before = by_name(items, item["name"])
        if before is None:
            items.append(item)
        else:
            before.update(item)
