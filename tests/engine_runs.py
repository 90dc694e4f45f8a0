"""Small workflows on the local engine, for tests."""

from pathlib import Path
from typing import Any

from slipway_workflows import engine
from slipway_workflows.engine.state.store import runs_of


def pod(name: str, script: str = "true", **more: Any) -> dict[str, Any]:
    return {"name": name, "container": {"image": "busybox:1", "command": ["sh", "-c"], "args": [script]}, **more}


def steps(*groups: list[dict[str, Any]], name: str = "main", **more: Any) -> dict[str, Any]:
    return {"name": name, "steps": list(groups), **more}


def dag(*tasks: dict[str, Any], name: str = "main", target: str = "", **more: Any) -> dict[str, Any]:
    return {"name": name, "dag": {"tasks": list(tasks), **({"target": target} if target else {})}, **more}


def call(name: str, template: str = "", **more: Any) -> dict[str, Any]:
    return {"name": name, "template": template or name, **more}


def given(**values: str) -> dict[str, Any]:
    return {"parameters": [{"name": name, "value": value} for name, value in values.items()]}


def prepared(home: Path, *templates: dict[str, Any], **spec: Any) -> engine.Run:
    manifest = {
        "kind": "Workflow",
        "metadata": {"name": "wf"},
        "spec": {"entrypoint": "main", "templates": list(templates), **spec},
    }
    return engine.prepare(engine.Library(), manifest, {}, engine.Options(home=home))


class Ran:
    """A workflow that has ended."""

    def __init__(self, home: Path, *templates: dict[str, Any], **spec: Any) -> None:
        self.directory = runs_of(home) / "wf"
        self.status: dict[str, Any] = prepared(home, *templates, **spec).execute()["status"]
        self.nodes: dict[str, dict[str, Any]] = {node["name"]: node for node in self.status["nodes"].values()}

    def phases(self) -> dict[str, str]:
        """Node names, without the workflow's, and phases."""
        return {name.removeprefix("wf"): node["phase"] for name, node in self.nodes.items()}

    def children(self, name: str) -> list[str]:
        """The names of the nodes that follow one."""
        ids = {node["id"]: key for key, node in self.nodes.items()}
        return sorted(ids[child].removeprefix("wf") for child in self.nodes[f"wf{name}"].get("children", []))
