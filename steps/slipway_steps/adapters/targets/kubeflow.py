"""Runs pipelines by Kubeflow Pipelines (API v2beta1), and measures them: what that API does not tell, by the pods."""

import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from slipway_steps.adapters.kubernetes.api import Api
from slipway_steps.adapters.retry import USUAL, RetryPolicy
from slipway_steps.adapters.targets.cluster_nodes import ClusterNodes, unknown_nodes
from slipway_steps.adapters.targets.kubeflow_api import KubeflowApi, Taken
from slipway_steps.adapters.targets.kubeflow_pipeline import (
    ENDED,
    component_names,
    described_session,
    description_of,
    pod_names,
    sample_of,
    session_pipeline,
    typed_parameters,
)
from slipway_steps.adapters.targets.kubeflow_pods import KubeflowPods
from slipway_steps.adapters.targets.kubeflow_removal import KubeflowRemoval
from slipway_steps.adapters.targets.kubeflow_schedule import firings_of
from slipway_steps.adapters.targets.pipeline_file import read_ir
from slipway_steps.adapters.targets.pod_times import pod_metrics
from slipway_steps.domain.errors import BadInput, PlatformError
from slipway_steps.domain.perf_metrics import METRICS
from slipway_steps.domain.perf_scenario import PerfScenario
from slipway_steps.domain.perf_session import Fingerprint, Firing, RunOutcome, RunSample
from slipway_steps.domain.perf_until import end_of
from slipway_steps.settings import Settings

PATHS = {"list-runs": "runs", "list-experiments": "experiments", "list-recurring-runs": "recurringruns"}
POLL = 0.5
"""Seconds between two looks at a run: the API has no watch. With many runs at a time each is asked less often, so that
all of them together ask at most twenty times a second."""
AT_ONCE = 10
"""Runs of a schedule at a time: the API takes no larger number."""
CONTAINER_START = "the Kubernetes API tells when a container started, not when its program began"
BY_PODS = ("create-to-schedule", "volumes-and-sandbox", "image-pull", "schedule-to-run", "cpu", "memory")
NO_PODS = "the pods have to be seen for it: set SLIPWAY_KFP_PODS_NAMESPACE"
BY_PROMETHEUS = ("storage-read", "storage-written", "network-received", "network-sent")
NO_NODES = "the kind of the nodes is not known: set SLIPWAY_KFP_PODS_NAMESPACE, so that their pods are seen"
NO_PROMETHEUS = "no Prometheus is named: set SLIPWAY_PROMETHEUS_URL"
UNSEEN = {
    "cpu": "metrics.k8s.io has a value every 15 s: pods that lived shorter have none",
    "memory": "metrics.k8s.io has a value every 15 s: pods that lived shorter have none",
    "queue": "the API did not tell when the run began",
}
"""Why a metric is missing in a run, where nothing else says so."""
NOT_SEEN = "the pods of a run did not tell it"


class KubeflowTarget:
    """perf_ports.Target by the API that the settings name. All that a session makes is in an experiment of its name."""

    name = "kfp"

    def __init__(self, settings: Settings, retry: RetryPolicy = USUAL) -> None:
        self.settings = settings
        self.api = KubeflowApi(settings, retry)
        self.models = self.api.models
        self.namespace = settings.kfp_namespace
        self.session = self._experiment = self._until = ""
        self._pods: KubeflowPods | None = None
        self._nodes: ClusterNodes | None = None
        self._making = threading.Lock()
        self._ir: dict[str, Any] = {}
        self._spec: dict[str, Any] = {}
        self._parameters: dict[str, str] = {}
        self._submitted: dict[str, float] = {}
        self._ended: dict[str, float] = {}
        self._missing: dict[str, str] = {}
        self._ran = False

    @property
    def unmeasured(self) -> Mapping[str, str]:
        """See Target. What the pods of a run did not tell is added when the run is read."""
        pods = {} if self.settings.kfp_pods_namespace else dict.fromkeys(BY_PODS + BY_PROMETHEUS, NO_PODS)
        prometheus = {} if self.settings.prometheus_url else dict.fromkeys(BY_PROMETHEUS, NO_PROMETHEUS)
        return {**self._missing, "container-start": CONTAINER_START, **pods, **prometheus}

    @property
    def version(self) -> str:
        """See Target."""
        return f"Kubeflow Pipelines {self.api.version() or 'of unknown version'}, API v2beta1"

    def fingerprint(self) -> Fingerprint:
        """See Target. Of the nodes that the pods of the runs were on which have been read."""
        return (self._nodes.fingerprint if self._nodes else unknown_nodes)(self.name, self.version)

    @property
    def notes(self) -> Sequence[str]:
        """See Target. Where no run was read, such as of a test that sends requests alone, no node was measured on."""
        if not self._ran:
            return []
        if self._pods and self._pods.reason:
            return [f"the kind of the nodes is not known: {self._pods.reason}"]
        return self._nodes.notes() if self._nodes else [NO_NODES]

    def prepare(self, session: str, scenario: PerfScenario, pipeline: Path | None) -> None:
        """See Target. An experiment of the session's name holds all its runs."""
        self.session, self._until = session, end_of(scenario, time.time(), self.settings.perf_owner)
        if pipeline is not None:
            ir, platform = read_ir(pipeline)
            self._ir = session_pipeline(ir, scenario)
            self._spec = {"pipeline_spec": self._ir, "platform_spec": platform} if platform else self._ir
            self._parameters = scenario.parameters
        elif scenario.resource_limits.cpu or scenario.resource_limits.memory:
            raise BadInput("resourceLimits need a pipeline", "set pipelineFileName")
        what = "reading the runs of Kubeflow Pipelines"
        self.api.ask(what, self.api.runs.run_service_list_runs, page_size=1, **self._of_namespace())
        if self.settings.kfp_pods_namespace:
            api = Api(self.settings, self.api.retry)
            self._nodes = ClusterNodes(api)
            self._pods = KubeflowPods(api, self.settings.kfp_pods_namespace)
            self._pods.start()

    def _of_namespace(self) -> dict[str, str]:
        return {"namespace": self.namespace} if self.namespace else {}

    def _home(self) -> str:
        """The id of the session's experiment; it is made when it is first needed, and once: its name is taken then."""
        with self._making:
            self._experiment = self._experiment or self._home_made()
        return self._experiment

    def _home_made(self) -> str:
        try:
            return self._made(self.session, self.api.ask)
        except Taken:  # by a request whose answer was lost: nobody else uses the name of this session
            home = next((one for one in self._experiments() if one.display_name == self.session), None)
            if home is None:
                raise
            return str(home.experiment_id)

    def _experiments(self) -> list[Any]:
        listing = self.api.experiments.experiment_service_list_experiments
        return list(self.api.all("experiments", listing, **self._of_namespace()))

    def _made(self, name: str, send: Callable[..., Any]) -> str:
        wanted = self.models.V2beta1Experiment(
            display_name=name, description=description_of(self.session, self._until), **self._of_namespace()
        )
        create = self.api.experiments.experiment_service_create_experiment
        return str(send(f"creating the experiment {name}", create, wanted).experiment_id)

    def _configured(self, parameters: Mapping[str, str]) -> Any:
        if not self._spec:
            raise BadInput("this scenario names no pipeline", "set pipelineFileName")
        values = typed_parameters(self._ir, {**self._parameters, **parameters})
        return self.models.V2beta1RuntimeConfig(parameters=values)

    def submit(self, parameters: Mapping[str, str]) -> str:
        """See Target. It is sent once: a second request would make a second run."""
        name, config, home = f"{self.session}-{uuid.uuid4().hex[:8]}", self._configured(parameters), self._home()
        wanted = self.models.V2beta1Run(
            display_name=name, experiment_id=home, pipeline_spec=self._spec, runtime_config=config
        )
        begin = time.time()
        made = self.api.send(f"submitting {name}", self.api.runs.run_service_create_run, wanted, experiment_id=home)
        self._submitted[made.run_id] = begin
        return str(made.run_id)

    def _run(self, run: str) -> Any:
        return self.api.ask(f"reading run {run}", self.api.runs.run_service_get_run, run)

    def wait(self, run: str, deadline: float) -> bool:
        """See Target. The API has no watch, so it is asked every half second."""
        while run not in self._ended:
            if self._run(run).state in ENDED:
                self._ended.setdefault(run, time.time())
                break
            pause = min(max(POLL, (len(self._submitted) - len(self._ended)) / 20), deadline - time.time())
            if pause <= 0:
                return False
            time.sleep(pause)
        return True

    def stop(self, run: str) -> None:
        """See Target."""
        if self._run(run).state not in ENDED:
            self.api.ask(f"ending {run}", self.api.runs.run_service_terminate_run, run)

    def read(self, run: str) -> RunSample:
        """See Target. Of the pods, those of the pipeline's own tasks count, and not the drivers that Kubeflow Pipelines
        starts before each.
        """
        told, components = self._run(run), component_names(self._ir)
        self._ran = True
        pods = self._pods.of_run(run, pod_names(told, components)) if self._pods else []
        if self._nodes:
            self._nodes.see(pod.node for pod in pods if pod.node)
        more = {**pod_metrics(pods), **self._scraped(told)}
        sample = sample_of(told, components, self._submitted.get(run), self._ended.get(run), more, pods)
        if sample.outcome is not RunOutcome.UNFINISHED:
            missing = [metric for metric in METRICS if metric not in sample.metrics and metric not in self.unmeasured]
            self._missing |= {metric: self._reason(metric) for metric in missing}
        return sample

    def _reason(self, metric: str) -> str:
        if self._pods and self._pods.reason and metric in BY_PODS + BY_PROMETHEUS:
            return self._pods.reason
        if self._pods and self._pods.no_usage and metric in ("cpu", "memory"):
            return self._pods.no_usage
        return UNSEEN.get(metric, NOT_SEEN)

    def _scraped(self, told: Any) -> dict[str, float]:
        """What Prometheus tells of the pods of a run, whose names begin with that of the workflow."""
        workflow = self._pods.workflow(told.run_id) if self._pods else ""
        if not self.settings.prometheus_url or not workflow or told.state not in ENDED:
            return {}
        from slipway_steps.adapters.prometheus.query import Prometheus

        start, end = told.created_at.timestamp(), told.finished_at.timestamp()
        try:
            asked = Prometheus(self.settings.prometheus_url)
            return asked.bytes_of(self.settings.kfp_pods_namespace, f"{workflow}-", start, end)
        except PlatformError as error:
            self._missing |= dict.fromkeys(BY_PROMETHEUS, str(error))
            return {}

    def schedule(self, every: float, parameters: Mapping[str, str]) -> str:
        """See Target. A recurring run."""
        if every < 1 or every != int(every):
            raise BadInput(f"Kubeflow Pipelines cannot fire every {every:g} seconds", "a whole number from 1 on")
        config, home = self._configured(parameters), self._home()
        periodic = self.models.V2beta1PeriodicSchedule(interval_second=str(int(every)))
        wanted = self.models.V2beta1RecurringRun(
            display_name=f"{self.session}-{uuid.uuid4().hex[:8]}",
            experiment_id=home,
            pipeline_spec=self._spec,
            runtime_config=config,
            trigger=self.models.V2beta1Trigger(periodic_schedule=periodic),
            mode="ENABLE",
            max_concurrency=str(AT_ONCE),
            no_catchup=True,
        )
        create = self.api.recurring.recurring_run_service_create_recurring_run
        return str(self.api.send("scheduling", create, wanted).recurring_run_id)

    def firings(self, schedule: str) -> Sequence[Firing]:
        """See Target. Missed is what lies an interval or more between two firings."""
        get = self.api.recurring.recurring_run_service_get_recurring_run
        cron = self.api.ask(f"reading the schedule {schedule}", get, schedule)
        every = float(cron.trigger.periodic_schedule.interval_second)
        fired = [one for one in self._runs_of(cron.experiment_id) if one.recurring_run_id == schedule]
        return firings_of(fired, every)

    def create_experiment(self, name: str) -> None:
        """See Target. Its name begins with the session's, so that it is removed with it. It is timed, so it is sent
        once.
        """
        self._experiment = self._made(f"{self.session}-{name}".removesuffix("-"), self.api.send)

    @property
    def operations(self) -> Sequence[str]:
        """See Target."""
        return sorted(PATHS)

    def get(self, operation: str) -> int:
        """See Target."""
        return self.api.status(PATHS[operation], **self._of_namespace())

    def pool(self) -> Mapping[str, float]:
        """See Target."""
        return self.api.pool()

    def finished(self, since: float) -> Sequence[RunSample]:
        """See Target. Without steps: a list does not tell them."""
        late = [
            one
            for one in self._runs_of("")
            if one.state in ENDED and one.finished_at is not None and one.finished_at.timestamp() >= since
        ]
        return [sample_of(one, (), None, None) for one in sorted(late, key=lambda run: run.created_at)]

    def _runs_of(self, experiment: str) -> list[Any]:
        given = {"experiment_id": experiment} if experiment else self._of_namespace()
        return list(self.api.all("runs", self.api.runs.run_service_list_runs, **given))

    def sessions(self) -> Mapping[str, float]:
        """See Target. Those with an experiment."""
        owner = self.settings.perf_owner
        return dict(filter(None, (described_session(one.description or "", owner) for one in self._experiments())))

    def remove(self, session: str) -> Sequence[str]:
        """See Target. Only what is in experiments of the session's name. Raises PlatformError that names what is left;
        the rest is removed.
        """
        if self._pods and session == self.session:
            self._pods.close()
        return KubeflowRemoval(self.api, self._of_namespace()).remove(session)
