"""The port to workflows on this machine: each runs in the process that started it; its state is read from its files."""

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import Refused
from slipway_steps.settings import Settings
from slipway_workflows import engine
from slipway_workflows.argo import Listener, StoredNode, StoredWorkflow, watch
from slipway_workflows.argo.answers import answers, waiting_nodes
from slipway_workflows.ports import FoundWorkflow
from slipway_workflows.step_parameters import check_parameters

if TYPE_CHECKING:
    from slipway_steps.adapters.kubernetes.objects import ClusterObjects

POLL = 0.5
"""Seconds between two looks at a workflow of another process, which stores its changes five times a second."""


def engine_options(settings: Settings) -> engine.Options:
    """What the engine needs of the settings."""
    passed = {key: value for key, value in os.environ.items() if key.startswith(("SLIPWAY_", "MLFLOW_"))}
    environment = passed | {"SLIPWAY_HOME": str(settings.home)}
    return engine.Options(settings.home, environment, settings.resources, _cluster_objects(settings))


def _cluster_objects(settings: Settings) -> "ClusterObjects | None":
    """The objects that resource templates may change, where the user lets them change a cluster."""
    if settings.resources != "cluster":
        return None
    from slipway_steps.adapters.kubernetes.api import Api  # a quarter of a second that only a cluster costs
    from slipway_steps.adapters.kubernetes.objects import ClusterObjects

    return ClusterObjects(Api(settings))


@dataclass(frozen=True)
class LocalExecution:
    """A workflow that this process runs when it is followed."""

    run: engine.Run

    @property
    def name(self) -> str:
        """The workflow's name."""
        return self.run.name

    def follow(self, listener: Listener) -> StoredWorkflow:
        """Run it to its end. Raises what `engine.Run.execute` raises."""
        return StoredWorkflow(self.run.execute(listener))

    def stop(self) -> None:
        """Stop it; a second call ends its exit handler too."""
        self.run.stop()


class LocalWorkflows:
    """The workflows of `settings.home`.

    manifests: the directory that template names are looked up in. warn: tells a person what went wrong and is tried
    again. pause: waits between two looks at a workflow that is watched.
    """

    runs_in_foreground = True

    def __init__(
        self,
        settings: Settings,
        manifests: Path,
        warn: Callable[[str], None],
        pause: Callable[[], None] = lambda: time.sleep(POLL),
    ) -> None:
        self.settings = settings
        self.home = settings.home
        self.manifests = manifests
        self.warn = warn
        self.pause = pause

    def list(self) -> Iterable[FoundWorkflow]:
        """All stored workflows but damaged ones."""
        return (_found(run) for run in engine.stored_runs(self.home))

    def get(self, name: str) -> FoundWorkflow:
        """The stored workflow."""
        return _found(engine.stored_run(self.home, name))

    def submit(self, template: str, parameters: Mapping[str, str], files: Sequence[Path] = ()) -> LocalExecution:
        """A run of a template of the catalog or of `files`, as `argo submit --from` would make it."""
        library = engine.load(files, self.manifests)
        run = engine.prepare(library, template, parameters, engine_options(self.settings))
        check_parameters(library.template(template), parameters, library.find)
        return LocalExecution(run)

    def retry(self, name: str, parameters: Mapping[str, str]) -> LocalExecution:
        """A run that goes on where the one before failed, was stopped or died."""
        return LocalExecution(engine.prepare_retry(self.home, name, parameters, engine_options(self.settings)))

    def watch(self, name: str, listener: Listener) -> StoredWorkflow:
        """Follow the files of a workflow that another process runs."""
        logs = engine.log_file(self.get(name).files or self.home, "").parent

        def look() -> StoredWorkflow:
            found = self.get(name)
            if found.died:
                raise Refused(f"the engine of {name} has died", f"go on where it was: slipway retry {name}")
            return found.workflow

        return watch(look, listener, self.warn, self.pause, logs)

    def log(self, name: str, nodes: Sequence[StoredNode]) -> Iterable[tuple[StoredNode, str | None]]:
        """The logs of nodes; a program that wrote nothing has an empty one."""
        directory = engine.stored_run(self.home, name).directory
        for node in nodes:
            path = engine.log_file(directory, node.id)
            yield node, path.read_text(errors="replace") if path.exists() else ""

    def stop(self, name: str) -> None:
        """Ask the engine that runs it to stop it."""
        engine.stop(self.home, name)

    def resume(self, name: str, node: str | None) -> None:
        """Tell the engine that runs it to go on."""
        workflow = self._alive(name)
        engine.resume(self.home, name, {one.id: {} for one in waiting_nodes(workflow, node)})

    def answer(self, name: str, word: str) -> None:
        """Tell the engine that runs it the answer."""
        engine.resume(self.home, name, answers(self._alive(name), word))

    def version_in(self, environment: Environment) -> str | None:
        """What the journal says stands there, or is about to."""
        from slipway_workflows.local.versions import version_in

        return version_in(self.settings, environment)

    def _alive(self, name: str) -> StoredWorkflow:
        run = engine.stored_run(self.home, name)
        if not run.alive:
            raise Refused(f"workflow {name} does not run any more", "it does not wait for an answer")
        return run.workflow


def _found(run: engine.StoredRun) -> FoundWorkflow:
    return FoundWorkflow(run.workflow, run.died, run.directory)
