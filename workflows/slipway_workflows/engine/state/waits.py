"""Stored runs, seen from another process: which there are, which wait for an answer, and how to give it."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway_steps.domain.errors import Refused
from slipway_steps.files import replace_file
from slipway_workflows.engine.state.store import ANSWERS, LIBRARY, PIPE, STOP, is_alive, read_workflow, runs_of

ENDED = ("Succeeded", "Failed", "Error")


@dataclass(frozen=True)
class Summary:
    """A stored workflow. `alive`: its engine lives; one that is neither alive nor ended has died."""

    name: str
    phase: str
    message: str
    started: str | None
    finished: str | None
    alive: bool

    @property
    def dead(self) -> bool:
        """Its engine was killed before the workflow had ended."""
        return not self.alive and self.phase not in ENDED


def _stored(home: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    directory = runs_of(Path(home))
    if not directory.is_dir():
        return
    for path in sorted(directory.iterdir()):
        workflow = read_workflow(path)
        if workflow is not None:
            yield path, workflow


def workflows(home: Path) -> list[Summary]:
    """All stored workflows, by name."""
    found = []
    for path, workflow in _stored(home):
        status = workflow.get("status") or {}
        found.append(
            Summary(
                path.name,
                status.get("phase", ""),
                status.get("message", ""),
                status.get("startedAt"),
                status.get("finishedAt"),
                is_alive(path),
            )
        )
    return found


def waiting(home: Path) -> list[tuple[str, str, list[str]]]:
    """Living workflows with a suspend node that waits: workflow, node's display name, parameters it asks for."""
    return [
        (path.name, node["displayName"], _asked(node))
        for path, workflow in _stored(home)
        for node in _suspended(workflow)
        if is_alive(path)
    ]


def _suspended(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    nodes = ((workflow.get("status") or {}).get("nodes") or {}).values()
    return [node for node in nodes if node["type"] == "Suspend" and node["phase"] == "Running"]


def _asked(node: dict[str, Any]) -> list[str]:
    parameters = (node.get("outputs") or {}).get("parameters") or []
    return [item["name"] for item in parameters if (item.get("valueFrom") or {}).get("supplied") is not None]


def stored(home: Path, name: str) -> tuple[Path, dict[str, Any]]:
    """The directory and the Workflow of a run. Raises Refused, naming those there are."""
    directory = runs_of(Path(home)) / name
    workflow = read_workflow(directory) if "/" not in name and name not in ("", ".", "..") else None
    if workflow is None:
        known = [path.name for path, _ in _stored(home)]
        raise Refused(f"there is no workflow {name}", f"known: {', '.join(known[-10:]) or 'none'}; see: slipway list")
    return directory, workflow


def for_retry(home: Path, name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The Workflow and the manifests of a run that may be retried. Raises Refused for any other."""
    directory, workflow = stored(home, name)
    if is_alive(directory):
        raise Refused(f"workflow {name} is running", "wait for its end, or stop it: slipway stop")
    if (workflow.get("status") or {}).get("phase") == "Succeeded":
        raise Refused(f"workflow {name} has succeeded", "there is nothing to retry; run it anew")
    try:
        manifests = json.loads((directory / LIBRARY).read_text())
    except (OSError, ValueError) as error:
        raise Refused(f"workflow {name} cannot be retried: its {LIBRARY} cannot be read", "run it anew") from error
    return workflow, manifests


def stop(home: Path, name: str) -> None:
    """Stop a running workflow as `argo stop` does: its exit handler still runs.

    Raises Refused where it does not run.
    """
    directory, _ = stored(home, name)
    if not is_alive(directory):
        raise Refused(f"workflow {name} does not run", "see: slipway list")
    replace_file(directory / STOP, "")
    _wake(directory, name)


def _wake(directory: Path, name: str) -> None:
    try:
        pipe = os.open(directory / PIPE, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        raise Refused(f"workflow {name} has ended meanwhile", "see: slipway list") from error
    try:
        os.write(pipe, b"!")
    finally:
        os.close(pipe)


def resume(home: Path, workflow_name: str, node_name: str | None, parameters: Mapping[str, str]) -> None:
    """Let a waiting suspend node go on, with these output parameters; None: all that wait.

    Raises Refused where the workflow is not alive, nothing of that name waits, or a parameter is not asked for.
    """
    directory = runs_of(Path(home)) / workflow_name
    workflow = read_workflow(directory) if "/" not in workflow_name else None
    if workflow is None:
        known = ", ".join(sorted({name for name, _, _ in waiting(home)}))
        raise Refused(f"there is no workflow {workflow_name}", f"waiting: {known or 'none'}")
    if not is_alive(directory):
        raise Refused(f"workflow {workflow_name} does not run any more", "start it again")
    nodes = [node for node in _suspended(workflow) if node_name in (None, node["displayName"], node["id"])]
    if not nodes:
        which = f"node {node_name} of " if node_name else ""
        raise Refused(f"{which}workflow {workflow_name} does not wait for an answer", "see what waits: slipway status")
    for node in nodes:
        unknown = sorted(set(parameters) - set(_asked(node)))
        if unknown:
            asked = ", ".join(_asked(node)) or "nothing"
            raise Refused(f"node {node['displayName']} does not ask for {', '.join(unknown)}", f"it asks for: {asked}")
    for node in nodes:
        replace_file(directory / ANSWERS / f"{node['id']}.json", json.dumps(dict(parameters)))
    _wake(directory, workflow_name)
