"""Runs pipelines by Argo Workflows on a cluster, and measures them: through the Kubernetes API alone."""

import copy
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway_steps.adapters.kubernetes.api import Api, Conflict
from slipway_steps.adapters.kubernetes.paths import path_of
from slipway_steps.adapters.kubernetes.pods import seconds
from slipway_steps.adapters.targets.argo_manifest import (
    API,
    session_workflow,
    with_experiment,
    with_images,
    with_parameters,
)
from slipway_steps.adapters.targets.argo_objects import ArgoObjects
from slipway_steps.adapters.targets.argo_sample import is_ended, sample_of
from slipway_steps.adapters.targets.argo_schedule import ArgoSchedules
from slipway_steps.adapters.targets.argo_session import ArgoSession
from slipway_steps.adapters.targets.cluster_nodes import ClusterNodes
from slipway_steps.adapters.targets.pipeline_file import read_workflow
from slipway_steps.domain.errors import BadInput, PlatformError
from slipway_steps.domain.perf_metrics import METRICS
from slipway_steps.domain.perf_scenario import MOST_AT_ONCE, PerfScenario
from slipway_steps.domain.perf_session import Fingerprint, Firing, RunOutcome, RunSample
from slipway_steps.domain.perf_until import end_of
from slipway_steps.settings import Settings

if TYPE_CHECKING:
    from slipway_steps.adapters.mlflow.experiments import MlflowExperiments

Object = dict[str, Any]
STATIC = {
    "container-start": "the Kubernetes API tells when a container started, not when its program began",
}
UNSEEN = {
    "cpu": "metrics.k8s.io has a value every 15 s: pods that lived shorter have none",
    "memory": "metrics.k8s.io has a value every 15 s: pods that lived shorter have none",
    "volumes-and-sandbox": "the condition PodReadyToStartContainers was not seen: Kubernetes has it from 1.29 on",
    "image-pull": "the events of the pods were not seen",
}
"""Why a metric is missing in a run, where nothing else says so."""
NO_PROMETHEUS = "no Prometheus is named: set SLIPWAY_PROMETHEUS_URL"
BY_PROMETHEUS = ("storage-read", "storage-written", "network-received", "network-sent")


class ArgoTarget:
    """perf_ports.Target on the cluster that the settings name, in the namespace of performance tests."""

    name = "argo"

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.namespace = settings.perf_namespace
        self.api = Api(settings)
        self.session = self._experiment = self._until = ""
        self._seen: ArgoSession | None = None
        self._objects = ArgoObjects(self.api, self.namespace, settings.perf_owner)
        self._schedules = ArgoSchedules(self.api, self.namespace, MOST_AT_ONCE)
        self._nodes = ClusterNodes(self.api)
        self._workflow: Object | None = None
        self._submitted: dict[str, float] = {}
        self._stopped: set[str] = set()
        self._missing: dict[str, str] = {}
        self._operations: dict[str, str] = {}

    @property
    def unmeasured(self) -> Mapping[str, str]:
        """See Target. What the pods of a run did not tell is added when the run is read."""
        prometheus = {} if self.settings.prometheus_url else dict.fromkeys(BY_PROMETHEUS, NO_PROMETHEUS)
        return {**self._missing, **STATIC, **prometheus, **(self._seen.unmeasured if self._seen else {})}

    @property
    def version(self) -> str:
        """See Target. The Kubernetes API does not tell the version of Argo; pods tell it, by the image of Argo's own
        containers.
        """
        argo = self._seen.executor if self._seen else ""
        return f"Argo {argo or 'of unknown version'}, Kubernetes {self._kubernetes}"

    @cached_property
    def _kubernetes(self) -> str:
        return str(self.api.get("/version", what="reading the version of Kubernetes").get("gitVersion", ""))

    def fingerprint(self) -> Fingerprint:
        """See Target. Of the nodes that the pods of the runs were on which have been read."""
        return self._nodes.fingerprint(self.name, self.version)

    @property
    def notes(self) -> Sequence[str]:
        """See Target."""
        return [*self._schedules.notes, *self._nodes.notes()]

    def prepare(self, session: str, scenario: PerfScenario, pipeline: Path | None) -> None:
        """See Target. The API server itself checks the Workflow against its schema, by a dry run."""
        self.session, self._until = session, end_of(scenario, time.time(), self.settings.perf_owner)
        self._schedules.most = None if scenario.allow_more else MOST_AT_ONCE
        self._schedules.runs = scenario.most_runs
        if pipeline is not None:
            given = with_images(read_workflow(pipeline), self.settings.images)
            account, owner = self.settings.perf_service_account, self.settings.perf_owner
            self._workflow = session_workflow(given, session, scenario, self.namespace, account, owner)
            self._check(pipeline)
        elif scenario.resource_limits.cpu or scenario.resource_limits.memory:
            raise BadInput("resourceLimits need a pipeline", "set pipelineFileName")
        self._seen = ArgoSession(self.api, self.namespace, session)
        self._seen.start()
        self._operations = self._paths()

    def _check(self, pipeline: Path) -> None:
        try:
            path = f"{self._path('workflows')}?dryRun=All"
            self.api.post(path, self._named(f"{self.session}-check"), what=f"checking {pipeline}")
        except PlatformError as error:
            if "status 4" not in error.message or "status 403" in error.message:
                raise
            raise BadInput(error.message, "the API server refuses the pipeline") from error

    def _path(self, plural: str, name: str = "") -> str:
        return path_of(API, plural, self.namespace, name)

    def _named(self, name: str, parameters: Mapping[str, str] | None = None) -> Object:
        if self._workflow is None:
            raise BadInput("this scenario names no pipeline", "set pipelineFileName")
        made = copy.deepcopy(self._workflow)
        made["metadata"]["name"] = name
        made["spec"]["arguments"] = with_parameters(made["spec"]["arguments"], parameters or {}, "the pipeline")
        return made

    def submit(self, parameters: Mapping[str, str]) -> str:
        """See Target. The name is chosen here, so that a call that is repeated cannot make a second workflow."""
        name = f"{self.session}-{uuid.uuid4().hex[:8]}"
        workflow = self._named(name, parameters)
        self._submitted[name] = time.time()
        with suppress(Conflict):  # made by a call whose answer was lost
            self.api.post(self._path("workflows"), workflow, what=f"submitting {name}")
        return name

    def wait(self, run: str, deadline: float) -> bool:
        """See Target. By a watch of the session's workflows."""
        return self._watched().wait(run, deadline)

    def stop(self, run: str) -> None:
        """See Target. The workflow is deleted, and its pods with it: the rights of a test are to create and to delete,
        and not to change. What was seen of it is kept.
        """
        watched = self._watched()
        if run in watched.ended or run in self._stopped:
            return
        path = self._path("workflows", run)
        found = self.api.get(path, what=f"reading {run}", absent=True)
        if found is not None and not is_ended(found):
            watched.workflows.setdefault(run, found)
            self._stopped.add(run)
            self.api.delete(path, what=f"ending {run}", absent=True)

    def read(self, run: str) -> RunSample:
        """See Target."""
        watched = self._watched()
        self._nodes.see(watched.nodes(run))
        workflow = watched.workflows.get(run)
        workflow = workflow or self.api.get(self._path("workflows", run), what=f"reading {run}", absent=True)
        if workflow is None:
            return RunSample(run=run, started=self._submitted.get(run, 0.0), outcome=RunOutcome.UNFINISHED)
        times = {"submitted": self._submitted.get(run), "ended": watched.ended.get(run)}
        sample = sample_of(workflow, watched.pods(run), **times, more=self._scraped(workflow))
        if sample.outcome is RunOutcome.UNFINISHED:
            ours = run in self._stopped
            message = "ended at the deadline" if ours else "deleted by somebody else" if run in watched.ended else ""
            return sample.model_copy(update={"message": sample.message or message})
        self._missing |= {
            metric: UNSEEN.get(metric, "the pods of a run did not tell it")
            for metric in METRICS
            if metric not in sample.metrics and metric not in self.unmeasured
        }
        return sample

    def _scraped(self, workflow: Object) -> dict[str, float]:
        status = workflow.get("status") or {}
        start, end = seconds(status.get("startedAt")), seconds(status.get("finishedAt"))
        if not self.settings.prometheus_url or start is None or end is None:
            return {}
        from slipway_steps.adapters.prometheus.query import Prometheus

        try:
            asked = Prometheus(self.settings.prometheus_url)
            return asked.bytes_of(self.namespace, f"{workflow['metadata']['name']}-", start, end)
        except PlatformError as error:
            self._missing |= dict.fromkeys(BY_PROMETHEUS, str(error))
            return {}

    def schedule(self, every: float, parameters: Mapping[str, str]) -> str:
        """See Target. A CronWorkflow."""
        name = f"{self.session}-{uuid.uuid4().hex[:8]}"
        self._schedules.start(self._named(name, parameters), every)
        return name

    def firings(self, schedule: str) -> Sequence[Firing]:
        """See Target."""
        return self._schedules.firings(schedule)

    def create_experiment(self, name: str) -> None:
        """See Target. Argo has no experiments: it is one of MLflow, and the steps of later runs are told its name
        by MLFLOW_EXPERIMENT_NAME.
        """
        if not self.settings.tracking_uri:
            raise BadInput("Argo Workflows has no experiments of its own", "name MLflow's server: SLIPWAY_TRACKING_URI")
        self._experiments.create(name, self._until)
        self._experiment = name
        if self._workflow is not None:
            self._workflow = with_experiment(self._workflow, name)

    @cached_property
    def _experiments(self) -> "MlflowExperiments":
        from slipway_steps.adapters.mlflow.experiments import MlflowExperiments

        return MlflowExperiments(self.settings)

    def _paths(self) -> dict[str, str]:
        paths = {
            "list-workflows": self._path("workflows"),
            "list-cron-workflows": self._path("cronworkflows"),
            "list-pods": path_of("v1", "pods", self.namespace),
        }
        listed = self.api.get(paths["list-workflows"], what=f"listing workflows in {self.namespace}", absent=False)
        names = [one["metadata"]["name"] for one in listed.get("items") or []]
        return paths | ({"get-workflow": self._path("workflows", names[-1])} if names else {})

    @property
    def operations(self) -> Sequence[str]:
        """See Target."""
        return sorted(self._operations)

    def get(self, operation: str) -> int:
        """See Target."""
        return self.api.status(self._operations[operation])

    def pool(self) -> Mapping[str, float]:
        """See Target."""
        return self.api.pool()

    def finished(self, since: float) -> Sequence[RunSample]:
        """See Target. Those of the namespace of workflows, where releases run."""
        path = path_of(API, "workflows", self.settings.workflows_namespace)
        found = self.api.get(path, what=f"listing workflows in {self.settings.workflows_namespace}", absent=False)
        ended = [one for one in found.get("items") or [] if is_ended(one)]
        late = [one for one in ended if (seconds(one["status"].get("finishedAt")) or 0.0) >= since]
        return sorted(map(sample_of, late), key=lambda sample: sample.started)

    def sessions(self) -> Mapping[str, float]:
        """See Target. Those with workflows or schedules in the namespace, or with an experiment of MLflow."""
        found = self._objects.sessions()
        experiments = self._experiments.sessions() if self.settings.tracking_uri else {}
        return experiments | found

    def remove(self, session: str) -> Sequence[str]:
        """See Target. The experiment of a session has the session's name."""
        if self._seen and session == self.session:
            self._seen.close()
        removed = self._objects.remove(session)
        # whether another session had an experiment is not known here; it would have the session's name
        name = self._experiment if session == self.session else session
        if self.settings.tracking_uri and name and self._experiments.delete(name):
            removed.append(f"experiment {name}")
        return removed

    def _watched(self) -> ArgoSession:
        if self._seen is None:
            raise BadInput("the target is not prepared", "call prepare first")
        return self._seen
