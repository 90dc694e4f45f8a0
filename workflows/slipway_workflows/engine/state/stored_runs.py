"""Stored runs as other processes use them: list them, answer those that wait, stop them."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway_steps.domain.errors import Refused
from slipway_steps.files import replace_file
from slipway_workflows.argo import Phase, StoredWorkflow
from slipway_workflows.argo.answers import check_answer, waiting_nodes
from slipway_workflows.engine.state.store import (
    ANSWERS,
    LIBRARY,
    PIPE,
    STOP,
    WORKFLOW,
    is_alive,
    load_workflow,
    runs_of,
)


@dataclass(frozen=True)
class StoredRun:
    """A run of this machine, as it was stored when it was read. `alive`: whether its engine ran at that time."""

    directory: Path
    workflow: StoredWorkflow
    alive: bool

    @property
    def name(self) -> str:
        """The workflow's name, which is also the name of the run's directory."""
        return self.directory.name

    @property
    def died(self) -> bool:
        """Whether its engine was killed before the workflow had ended."""
        return not self.alive and not self.workflow.phase.completed


def _load(directory: Path) -> StoredRun | None:
    # in this order: read the other way round, a run that ends between the two would look as if its engine had died
    alive = is_alive(directory)
    workflow = load_workflow(directory)
    return StoredRun(directory, workflow, alive) if workflow is not None else None


def stored_runs(home: Path) -> Iterator[StoredRun]:
    """All stored runs, sorted by name; those whose workflow.json cannot be read are left out."""
    directory = runs_of(home)
    if directory.is_dir():
        found = (_load(path) for path in sorted(directory.iterdir()))
        yield from (run for run in found if run is not None)


def damaged_runs(home: Path) -> list[Path]:
    """The directories of runs whose workflow.json is missing or cannot be read, and whose engine does not run."""
    directory = runs_of(home)
    every = sorted(directory.iterdir()) if directory.is_dir() else []
    return [path for path in every if path.is_dir() and not is_alive(path) and load_workflow(path) is None]


def stored_run(home: Path, name: str) -> StoredRun:
    """The run of the workflow `name`.

    Raises Refused where there is none, with the names of known runs, or where its workflow.json cannot be read.
    """
    directory = runs_of(home) / name if "/" not in name and name not in ("", ".", "..") else None
    run = _load(directory) if directory else None
    if run is None:
        if directory and directory.is_dir():
            raise Refused(
                f"{directory / WORKFLOW} is missing or damaged",
                "restore it, or run the workflow anew; its logs and artifacts are in that directory",
            )
        known = ", ".join([one.name for one in stored_runs(home)][-10:])
        raise Refused(f"there is no workflow {name}", f"known: {known or 'none'}; see: slipway list")
    return run


def waiting_runs(home: Path) -> list[StoredRun]:
    """The runs whose engine runs and that have a suspend node which waits for an answer."""
    return [run for run in stored_runs(home) if run.alive and run.workflow.waiting]


def load_for_retry(home: Path, name: str) -> tuple[StoredWorkflow, list[dict[str, Any]]]:
    """The stored workflow of a run that may be retried, and the manifests of the library it was prepared with.

    Raises Refused where there is no such run, it still runs, or it has succeeded.
    """
    run = stored_run(home, name)
    if run.alive:
        raise Refused(f"workflow {name} is running", "wait for its end, or stop it: slipway stop")
    if run.workflow.phase is Phase.SUCCEEDED:
        raise Refused(f"workflow {name} has succeeded", "there is nothing to retry; run it anew")
    try:
        manifests = json.loads((run.directory / LIBRARY).read_text())
    except (OSError, ValueError) as error:
        raise Refused(f"workflow {name} cannot be retried: its {LIBRARY} cannot be read", "run it anew") from error
    return run.workflow, manifests


def stop(home: Path, name: str) -> None:
    """Stop a running workflow as `argo stop` does: its exit handler still runs.

    Raises Refused where there is no such run, or it does not run.
    """
    run = stored_run(home, name)
    if not run.alive:
        phase = "its engine has died" if run.died else f"it is {run.workflow.phase}"
        raise Refused(f"workflow {name} does not run: {phase}", "see: slipway list")
    replace_file(run.directory / STOP, "")
    _wake(run)


def _wake(run: StoredRun) -> None:
    try:
        pipe = os.open(run.directory / PIPE, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        raise Refused(f"workflow {run.name} has just ended", "see: slipway list") from error
    try:
        os.write(pipe, b"!")
    finally:
        os.close(pipe)


def resume(home: Path, name: str, answers: Mapping[str, Mapping[str, str]]) -> None:
    """Let waiting suspend nodes continue. `answers`: id or display name of a node -> values of its output parameters.

    Parameters without a value get their defaults. Raises Refused where the workflow does not run, a node does not wait,
    or a node has no such output parameter.
    """
    run = stored_run(home, name)
    if not run.alive:
        raise Refused(f"workflow {name} does not run any more", "start it again")
    chosen = [(node, values) for key, values in answers.items() for node in waiting_nodes(run.workflow, key)]
    for node, values in chosen:
        check_answer(node, values)
    for node, values in chosen:
        replace_file(run.directory / ANSWERS / f"{node.id}.json", json.dumps(dict(values)))
    _wake(run)
