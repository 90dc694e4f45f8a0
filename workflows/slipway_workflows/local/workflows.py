"""The port to workflows on this machine. A workflow runs in the process that submitted it; its state is in files."""

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
from slipway_workflows.step_parameters import check_parameters, with_absolute_paths

if TYPE_CHECKING:
    from slipway_steps.adapters.kubernetes.objects import ClusterObjects

POLL = 0.5
"""Seconds between two reads of a workflow that another process runs; that process stores it five times a second."""


def engine_options(settings: Settings) -> engine.Options:
    """The options of the engine: home directory, environment variables of steps, and what resource templates may do."""
    passed = {key: value for key, value in os.environ.items() if key.startswith(("SLIPWAY_", "MLFLOW_"))}
    environment = passed | {"SLIPWAY_HOME": str(settings.home)}
    return engine.Options(settings.home, environment, settings.resources, _cluster_objects(settings))


def _cluster_objects(settings: Settings) -> "ClusterObjects | None":
    """Access to the objects of a cluster for resource templates, or None where SLIPWAY_RESOURCES is not `cluster`."""
    if settings.resources != "cluster":
        return None
    from slipway_steps.adapters.kubernetes.api import Api
    from slipway_steps.adapters.kubernetes.objects import ClusterObjects

    return ClusterObjects(Api(settings))


@dataclass(frozen=True)
class LocalExecution:
    """A workflow that is ready to run; this process runs it when `follow` is called.

    afterwards: see `engine.Run.execute`.
    """

    run: engine.Run
    afterwards: Sequence[str] = ()

    @property
    def name(self) -> str:
        """The name of the workflow, `metadata.name`."""
        return self.run.name

    def follow(self, listener: Listener) -> StoredWorkflow:
        """Run the workflow to its end. Raises what `engine.Run.execute` raises."""
        return StoredWorkflow(self.run.execute(listener, self.afterwards))

    def stop(self) -> None:
        """Stop the workflow; its exit handler still runs. A second call ends that too."""
        self.run.stop()


class LocalWorkflows:
    """The workflows that are stored under `settings.home`.

    manifests: the directory in which templates are looked up by name. warn: shows a person a message about an error
    after which the work goes on. pause: waits between two reads of a workflow that is watched.
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
        """All stored workflows; those whose files are damaged are left out, with a warning that names them."""
        for directory in engine.damaged_runs(self.home):
            self.warn(f"{directory.name} is left out: its workflow.json is missing or damaged ({directory})")
        return (_found(run) for run in engine.stored_runs(self.home))

    def get(self, name: str) -> FoundWorkflow:
        """The stored workflow of that name. Raises Refused where there is none."""
        return _found(engine.stored_run(self.home, name))

    def submit(self, template: str, parameters: Mapping[str, str], files: Sequence[Path] = ()) -> LocalExecution:
        """A workflow from a template of the catalog or of `files`, as `argo submit --from` creates it.

        Raises BadInput as the port says, WorkflowInvalid for a template that Argo would refuse, RegistryError where a
        template of the catalog needs an MLflow server that does not answer.
        """
        library = engine.load(files, self.manifests)
        source = library.template(template)
        given = with_absolute_paths(source, parameters, library.find, Path.cwd())
        run = engine.prepare(library, template, given, engine_options(self.settings))
        check_parameters(source, given, library.find)
        if self.settings.tracking_uri and (self.manifests / f"{template}.yaml").exists():
            from slipway_steps.adapters.mlflow.registry import MlflowRegistry

            MlflowRegistry(self.settings).reach()
        return LocalExecution(run)

    def retry(self, name: str, parameters: Mapping[str, str]) -> LocalExecution:
        """A run that continues the stored workflow where it failed, was stopped or died."""
        options = engine_options(self.settings)
        before = engine.prepare_retry(self.home, name, {}, options)
        given = with_absolute_paths(before.workflow, parameters, before.library.find, Path.cwd())
        run = engine.prepare_retry(self.home, name, given, options)
        check_parameters(run.workflow, given, run.library.find)
        return LocalExecution(run)

    def watch(self, name: str, listener: Listener) -> StoredWorkflow:
        """Watch a workflow that another process runs, by reading its files every half second."""
        logs = engine.log_file(self.get(name).files or self.home, "").parent

        def read() -> StoredWorkflow:
            found = self.get(name)
            if found.died:
                raise Refused(f"the engine of {name} has died", f"continue it: slipway retry {name}")
            return found.workflow

        return watch(read, listener, self.warn, self.pause, logs)

    def log(self, name: str, nodes: Sequence[StoredNode]) -> Iterable[tuple[StoredNode, str | None]]:
        """The logs of nodes; the log of a program that wrote nothing is empty."""
        directory = engine.stored_run(self.home, name).directory
        for node in nodes:
            path = engine.log_file(directory, node.id)
            yield node, path.read_text(errors="replace") if path.exists() else ""

    def stop(self, name: str) -> None:
        """Ask the engine process that runs the workflow to stop it."""
        engine.stop(self.home, name)

    def resume(self, name: str, node: str | None) -> None:
        """Ask the engine process that runs the workflow to resume its waiting nodes."""
        workflow = self._running(name)
        engine.resume(self.home, name, {one.id: {} for one in waiting_nodes(workflow, node)})

    def answer(self, name: str, word: str) -> None:
        """Send the answer to the engine process that runs the workflow."""
        engine.resume(self.home, name, answers(self._running(name), word))

    def version_in(self, environment: Environment) -> str | None:
        """The version that the environment serves by the journal, or that a dead release wanted to deploy there."""
        from slipway_workflows.local.versions import version_in

        return version_in(self.settings, environment)

    def _running(self, name: str) -> StoredWorkflow:
        """The stored workflow; raises Refused where no process runs it."""
        run = engine.stored_run(self.home, name)
        if not run.alive:
            raise Refused(f"workflow {name} does not run any more", "it does not wait for an answer")
        return run.workflow


def _found(run: engine.StoredRun) -> FoundWorkflow:
    return FoundWorkflow(run.workflow, run.died, run.directory)
