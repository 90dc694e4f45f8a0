"""Runs pipelines by Kubeflow Pipelines (API v2beta1), and measures them. Its client is the extra `kfp`."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from urllib3.exceptions import HTTPError

from slipway_steps.adapters.targets.kubeflow_pipeline import (
    ENDED,
    component_names,
    sample_of,
    session_pipeline,
    typed_parameters,
)
from slipway_steps.adapters.targets.pipeline_file import read_ir
from slipway_steps.domain.errors import BadInput, PlatformError
from slipway_steps.domain.perf_metrics import METRICS
from slipway_steps.domain.perf_scenario import PerfScenario
from slipway_steps.domain.perf_session import Firing, RunSample
from slipway_steps.settings import Settings

MEASURED = ("end-to-end", "queue", "between-steps")
REASON = "the API of Kubeflow Pipelines does not tell it of a run"
PATHS = {"list-runs": "runs", "list-experiments": "experiments", "list-recurring-runs": "recurringruns"}
POLL = 0.5
"""Seconds between two looks at a run: the API has no watch. With many runs at a time each is asked less often, so that
all of them together ask at most twenty times a second."""
PAGE = 200
"""Objects of one answer; the largest that the server gives."""


class KubeflowTarget:
    """perf_ports.Target by the API that the settings name. All that a session makes is in an experiment of its name."""

    name = "kfp"

    def __init__(self, settings: Settings) -> None:
        try:
            import kfp_server_api
        except ImportError as error:
            raise BadInput("the client of Kubeflow Pipelines is not installed", "pip install 'slipway[kfp]'") from error
        if not settings.kfp_url:
            raise BadInput("no Kubeflow Pipelines is named", "set SLIPWAY_KFP_URL")
        configuration = kfp_server_api.Configuration(host=settings.kfp_url.rstrip("/"))
        configuration.retries = False  # a request that is sent twice is measured twice
        if token := settings.kfp_token.get_secret_value():
            configuration.api_key = {"authorization": token}
            configuration.api_key_prefix = {"authorization": "Bearer"}
        self.api: Any = kfp_server_api
        self.url = settings.kfp_url.rstrip("/")
        self.timeout = settings.kubernetes_timeout
        self.namespace = settings.kfp_namespace
        self.client: Any = kfp_server_api.ApiClient(configuration)
        self.runs: Any = kfp_server_api.RunServiceApi(self.client)
        self.recurring: Any = kfp_server_api.RecurringRunServiceApi(self.client)
        self.experiments: Any = kfp_server_api.ExperimentServiceApi(self.client)
        self.session = self._experiment = ""
        self._ir: dict[str, Any] = {}
        self._spec: dict[str, Any] = {}
        self._parameters: dict[str, str] = {}
        self._submitted: dict[str, float] = {}
        self._ended: dict[str, float] = {}

    @property
    def unmeasured(self) -> Mapping[str, str]:
        """See Target."""
        return {name: REASON for name in METRICS if name not in MEASURED}

    @property
    def version(self) -> str:
        """See Target. The API does not tell the version of its server: that of the client."""
        return f"Kubeflow Pipelines API v2beta1, client {self.api.__version__}"

    @contextmanager
    def _asking(self, what: str, refused: type[BadInput | PlatformError] = PlatformError) -> Iterator[None]:
        """Turn the client's errors into ours; `refused`: what becomes of status 400."""
        try:
            yield
        except self.api.ApiException as error:
            kind = refused if error.status == 400 else PlatformError
            said = str(error.body or error.reason)[:300].replace("\n", " ")
            raise kind(
                f"{what} failed: status {error.status} {said}", "see SLIPWAY_KFP_URL and SLIPWAY_KFP_TOKEN"
            ) from error
        except (HTTPError, OSError, ValueError) as error:
            message = f"{what} failed: {type(error).__name__}: {str(error)[:200]}"
            raise PlatformError(message, "does SLIPWAY_KFP_URL name Kubeflow Pipelines?") from error

    def prepare(self, session: str, scenario: PerfScenario, pipeline: Path | None) -> None:
        """See Target. An experiment of the session's name holds all its runs."""
        self.session = session
        if pipeline is not None:
            ir, platform = read_ir(pipeline)
            self._ir = session_pipeline(ir, scenario)
            self._spec = {"pipeline_spec": self._ir, "platform_spec": platform} if platform else self._ir
            self._parameters = scenario.parameters
        elif scenario.resource_limits.cpu or scenario.resource_limits.memory:
            raise BadInput("resourceLimits need a pipeline", "set pipelineFileName")
        with self._asking("reading the runs of Kubeflow Pipelines"):
            self.runs.run_service_list_runs(page_size=1, **self._of_namespace(), _request_timeout=self.timeout)

    def _of_namespace(self) -> dict[str, str]:
        return {"namespace": self.namespace} if self.namespace else {}

    def _home(self) -> str:
        """The id of the session's experiment; it is made when it is first needed."""
        self._experiment = self._experiment or self._made(self.session, "A performance test of Slipway.")
        return self._experiment

    def _made(self, name: str, description: str) -> str:
        wanted = self.api.V2beta1Experiment(display_name=name, description=description, **self._of_namespace())
        with self._asking(f"creating the experiment {name}"):
            found = self.experiments.experiment_service_create_experiment(wanted, _request_timeout=self.timeout)
        return str(found.experiment_id)

    def _configured(self, parameters: Mapping[str, str]) -> Any:
        if not self._spec:
            raise BadInput("this scenario names no pipeline", "set pipelineFileName")
        values = typed_parameters(self._ir, {**self._parameters, **parameters})
        return self.api.V2beta1RuntimeConfig(parameters=values)

    def submit(self, parameters: Mapping[str, str]) -> str:
        """See Target."""
        name, home = f"{self.session}-{uuid.uuid4().hex[:8]}", self._home()
        config = self._configured(parameters)
        wanted = self.api.V2beta1Run(
            display_name=name, experiment_id=home, pipeline_spec=self._spec, runtime_config=config
        )
        begin = time.time()
        with self._asking(f"submitting {name}", BadInput):
            made = self.runs.run_service_create_run(wanted, experiment_id=home, _request_timeout=self.timeout)
        self._submitted[made.run_id] = begin
        return str(made.run_id)

    def _run(self, run: str) -> Any:
        with self._asking(f"reading run {run}"):
            return self.runs.run_service_get_run(run, _request_timeout=self.timeout)

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
            with self._asking(f"ending {run}"):
                self.runs.run_service_terminate_run(run, _request_timeout=self.timeout)

    def read(self, run: str) -> RunSample:
        """See Target."""
        return sample_of(self._run(run), component_names(self._ir), self._submitted.get(run), self._ended.get(run))

    def schedule(self, every: float, parameters: Mapping[str, str]) -> str:
        """See Target. A recurring run."""
        if every < 1 or every != int(every):
            raise BadInput(f"Kubeflow Pipelines cannot fire every {every:g} seconds", "a whole number from 1 on")
        home = self._home()
        trigger = self.api.V2beta1Trigger(
            periodic_schedule=self.api.V2beta1PeriodicSchedule(interval_second=str(int(every)))
        )
        wanted = self.api.V2beta1RecurringRun(
            display_name=f"{self.session}-{uuid.uuid4().hex[:8]}",
            experiment_id=home,
            pipeline_spec=self._spec,
            runtime_config=self._configured(parameters),
            trigger=trigger,
            mode="ENABLE",
            max_concurrency="10",
            no_catchup=True,
        )
        with self._asking("scheduling", BadInput):
            create = self.recurring.recurring_run_service_create_recurring_run
            return str(create(wanted, _request_timeout=self.timeout).recurring_run_id)

    def firings(self, schedule: str) -> Sequence[Firing]:
        """See Target. Missed is what lies an interval or more between two firings."""
        with self._asking(f"reading the schedule {schedule}"):
            get = self.recurring.recurring_run_service_get_recurring_run
            cron = get(schedule, _request_timeout=self.timeout)
        every = float(cron.trigger.periodic_schedule.interval_second)
        fired = [one for one in self._runs_of(cron.experiment_id) if one.recurring_run_id == schedule]
        found: list[Firing] = []
        running_until = 0.0
        for one in sorted(fired, key=lambda run: run.scheduled_at):
            due, started = one.scheduled_at.timestamp(), one.created_at.timestamp()
            while found and due - found[-1].due > 1.5 * every:
                found.append(Firing(due=found[-1].due + every))
            found.append(Firing(due=due, started=started, run=one.run_id, overlapping=started < running_until))
            running_until = max(running_until, one.finished_at.timestamp() if one.state in ENDED else time.time())
        return found

    def create_experiment(self, name: str) -> None:
        """See Target. Its name begins with the session's, so that it is removed with it."""
        self._experiment = self._made(f"{self.session}-{name}".removesuffix("-"), "A performance test of Slipway.")

    @property
    def operations(self) -> Sequence[str]:
        """See Target."""
        return sorted(PATHS)

    def get(self, operation: str) -> int:
        """See Target."""
        pool = self.client.rest_client.pool_manager
        headers: dict[str, str] = {}
        self.client.update_params_for_auth(headers, [], ["Bearer"])
        query = f"?namespace={self.namespace}" if self.namespace else ""
        with self._asking(operation):
            url = f"{self.url}/apis/v2beta1/{PATHS[operation]}{query}"
            return int(pool.request("GET", url, headers=headers, timeout=self.timeout).status)

    def pool(self) -> Mapping[str, float]:
        """See Target."""
        pools = self.client.rest_client.pool_manager.pools
        found = [pools[key] for key in pools.keys()]  # noqa: SIM118 - it cannot be iterated
        return {
            "requests": float(sum(one.num_requests for one in found)),
            "connections opened": float(sum(one.num_connections for one in found)),
        }

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
        return list(self._all(self.runs.run_service_list_runs, "runs", **given))

    def _all(self, listing: Callable[..., Any], kind: str, **given: str) -> Iterator[Any]:
        token = ""
        while True:
            with self._asking(f"listing {kind} of Kubeflow Pipelines"):
                page = listing(page_size=PAGE, page_token=token, _request_timeout=self.timeout, **given)
            yield from getattr(page, kind) or []
            token = page.next_page_token
            if not token:
                return

    def remove(self, session: str) -> Sequence[str]:
        """See Target. Only what is in experiments of the session's name."""
        removed = []
        listing = self.experiments.experiment_service_list_experiments
        for experiment in list(self._all(listing, "experiments", **self._of_namespace())):
            if experiment.display_name != session and not experiment.display_name.startswith(f"{session}-"):
                continue
            home = experiment.experiment_id
            schedules = self.recurring.recurring_run_service_list_recurring_runs
            for one in list(self._all(schedules, "recurring_runs", experiment_id=home)):
                self._delete(self.recurring.recurring_run_service_delete_recurring_run, one.recurring_run_id)
                removed.append(f"recurring run {one.recurring_run_id}")
            for run in self._runs_of(home):
                if run.state not in ENDED:
                    self._delete(self.runs.run_service_terminate_run, run.run_id)
                self._delete(self.runs.run_service_delete_run, run.run_id)
                removed.append(f"run {run.run_id}")
            self._delete(self.experiments.experiment_service_delete_experiment, home)
            removed.append(f"experiment {experiment.display_name}")
        return removed

    def _delete(self, call: Callable[..., Any], name: str) -> None:
        """Remove one object; that it is gone already is no error."""
        try:
            with self._asking(f"removing {name}"):
                call(name, _request_timeout=self.timeout)
        except PlatformError as error:
            if "status 404" not in error.message:
                raise
