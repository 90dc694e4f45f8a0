"""The environments on Kubernetes, deployed by Argo CD."""

from typing import TYPE_CHECKING, Any

from slipway_steps.adapters.argocd.application import ArgoCD, helm_parameters
from slipway_steps.adapters.argocd.environment_status import read_status
from slipway_steps.adapters.argocd.usage_samples import UsageSamples
from slipway_steps.adapters.argocd.version_source import check_parameters_are_the_source
from slipway_steps.adapters.kubernetes.api import Api, Unavailable
from slipway_steps.adapters.kubernetes.paths import path_of
from slipway_steps.adapters.kubernetes.pods import limits_of, pod_of, sample_of
from slipway_steps.adapters.kubernetes.rollout import candidate_of, newest_replica_set, pods_that_count, rollout_of
from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.environment import Environment, app_url, image_tag
from slipway_steps.domain.environment_status import EnvironmentStatus
from slipway_steps.domain.errors import PlatformError
from slipway_steps.domain.pods import Observation, Sample
from slipway_steps.settings import Settings

if TYPE_CHECKING:
    from slipway_steps.adapters.git.deployment_repository import DeploymentRepository

ENDED = ("Succeeded", "Failed", "Error")
IMAGE = ("image.repository", "image.tag", "image.digest", "modelVersion", "revision")
"""The Helm parameters of the chart model-app that a release sets."""


def _repository(settings: Settings) -> "DeploymentRepository | None":
    if not settings.deploy_repository:
        return None
    from slipway_steps.adapters.git import deployment_repository

    return deployment_repository.DeploymentRepository(settings)


def _values(parameters: dict[str, str]) -> dict[str, Any]:
    """Helm parameters as the values file that says the same."""
    image = {key.removeprefix("image."): value for key, value in parameters.items() if key.startswith("image.")}
    others: dict[str, Any] = {key: value for key, value in parameters.items() if not key.startswith("image.")}
    if "replicas" in others:
        others["replicas"] = int(others["replicas"])
    return ({"image": image} if image else {}) | others


def _candidate(told: dict[str, str]) -> Candidate | None:
    """The candidate that these Helm parameters set; None where they set none, or empty the environment."""
    if not told.get("image.digest") or told.get("replicas") == "0":
        return None
    return Candidate(
        version=told.get("modelVersion", ""), digest=told["image.digest"], revision=told.get("revision", "")
    )


def _at(event: dict[str, Any]) -> str:
    """When an event was last seen."""
    return event.get("lastTimestamp") or event.get("eventTime") or ""


class KubernetesPlatform:
    """Implements ports.Platform. An environment is a namespace `<app>-<environment>` with one Application.

    It is created from the settings; a caller that needs other timeouts passes its own parts.
    """

    def __init__(
        self,
        settings: Settings,
        api: Api | None = None,
        argocd: ArgoCD | None = None,
        repository: "DeploymentRepository | None" = None,
    ) -> None:
        self.settings = settings
        self.api = api or Api(settings)
        self.argocd = argocd or ArgoCD(self.api, settings)
        self.repository = repository or _repository(settings)
        self._samples: dict[Environment, dict[tuple[str, float], Sample]] = {}
        self._usage: dict[Environment, UsageSamples] = {}

    def deploy(self, environment: Environment, candidate: Candidate, release: str = "") -> None:
        """Set the candidate's image on the Application, or commit it to Git. Returns once Argo CD has synced it;
        whether it is healthy is seen from its pods. Raises Refused where the version comes from another place.
        """
        host, _, prefix = self.settings.registry.partition("/")
        repository = "/".join(part for part in (host, prefix.strip("/"), self.settings.app) if part)
        values = (
            repository,
            image_tag(environment, candidate.version),
            candidate.digest,
            candidate.version,
            candidate.revision,
        )
        wanted = dict(zip(IMAGE, values, strict=True))
        if self.repository is None:
            self._set(environment, wanted, ("replicas",))
        else:
            self._commit(self.repository, environment, wanted, release)

    def _set(self, environment: Environment, wanted: dict[str, str], gone: tuple[str, ...]) -> None:
        app = self.argocd.read(environment)
        told = helm_parameters((app.get("spec") or {}).get("source"))
        check_parameters_are_the_source(app, told, self.deployment(environment))
        self.argocd.set(environment, wanted, gone=gone)

    def _commit(
        self, repository: "DeploymentRepository", environment: Environment, wanted: dict[str, str], release: str
    ) -> None:
        """Write the parameters to Git as values, and remove the Application's own, which would override them."""
        for other in repository.unwritten():
            if other is not environment:
                self._take_along(repository, other)
        revision = repository.write(environment, _values(wanted), self._message(environment, wanted, release))
        self.argocd.set(environment, {}, gone=(*IMAGE, "replicas"), revision=revision)

    def _take_along(self, repository: "DeploymentRepository", environment: Environment) -> None:
        """Commit what the Application of an environment was told by parameters before the installation used Git.

        The parameters stay until a release changes the environment; they say the same, so nothing is rolled out.
        """
        try:
            found = self.argocd.parameters(environment)
        except PlatformError:
            return  # the release is about another environment
        told = {key: found[key] for key in (*IMAGE, "replicas") if key in found}
        if told:
            repository.write(environment, _values(told), self._message(environment, told, "", "as it is, "))

    def _message(self, environment: Environment, told: dict[str, str], release: str, prefix: str = "") -> str:
        """The message of a commit. The lines at its end are in the form of Git's trailers."""
        version = told.get("modelVersion", "")
        what = f"version {version} ({told.get('image.tag', '')})" if version else "empty"
        trailers = {
            "Release": release,
            "Model-Version": version,
            "Environment": environment.value,
            "Source-Revision": told.get("revision", ""),
        }
        lines = [f"{key}: {value}" for key, value in trailers.items() if value]
        return "\n".join([f"{self._namespace(environment)}: {prefix}{what}", "", *lines, ""])

    def empty(self, environment: Environment, release: str = "") -> None:
        """Set the number of replicas to 0, so that the environment serves nothing."""
        if self.repository is None:
            self._set(environment, {"replicas": "0"}, IMAGE)
        else:
            self._commit(self.repository, environment, {"replicas": "0"}, release)

    def _told(self, environment: Environment) -> dict[str, str]:
        """What was last set for the environment, as Helm parameters."""
        values = self.repository.read(environment) if self.repository else None
        if values is None:
            # nothing in Git, or not yet: the Application was told by its parameters
            return self.argocd.parameters(environment)
        image = {f"image.{key}": value for key, value in (values.pop("image", None) or {}).items()}
        return {key: str(value) for key, value in (image | values).items()}

    def deployed(self, environment: Environment) -> Candidate | None:
        """The candidate that was last set for the environment; None where it was emptied or never set."""
        return _candidate(self._told(environment))

    def standing(self, environment: Environment) -> Candidate | None:
        """As `deployed`; where neither Git nor the Application says anything, what the Deployment says.

        In Git mode the Application has no parameters, and a person's machine need not know the repository.
        """
        told = self._told(environment)
        if "image.digest" in told or told.get("replicas") == "0":
            return _candidate(told)
        return candidate_of(self.deployment(environment))

    def _namespace(self, environment: Environment) -> str:
        return f"{self.settings.app}-{environment}"

    def _list(self, environment: Environment, version: str, plural: str, **selector: str) -> list[dict[str, Any]]:
        namespace = self._namespace(environment)
        path, what = path_of(version, plural, namespace), f"listing {plural} in {namespace}"
        found = self.api.get(path, what=what, absent=False, **selector)
        items: list[dict[str, Any]] = found.get("items") or []
        return items

    def observe(self, environment: Environment) -> Observation:
        """The pods of an environment, without their usage."""
        return self._seen(environment)[0]

    def _seen(self, environment: Environment) -> tuple[Observation, list[dict[str, Any]]]:
        """The environment, and its pods as Kubernetes describes them."""
        selector = self._selector(environment)
        deployment = self.deployment(environment)
        replica_sets = self._list(environment, "apps/v1", "replicasets", labelSelector=selector)
        newest = newest_replica_set(deployment, replica_sets)
        listed = pods_that_count(self._list(environment, "v1", "pods", labelSelector=selector), newest)
        pods = []
        for pod in listed:
            waits = not any((s.get("state") or {}).get("running") for s in pod["status"].get("containerStatuses") or [])
            pods.append(pod_of(pod, self._warnings(environment, pod["metadata"]["name"]) if waits else []))
        memory, cpu = limits_of(listed[0]) if listed else (None, None)
        seen = Observation(
            environment=environment,
            pods=pods,
            samples=[],
            metrics_available=True,
            memory_limit_bytes=memory or self.settings.memory_limit_mib * 2**20,
            cpu_limit_millicores=cpu or self.settings.cpu_limit_millicores,
            rollout=rollout_of(deployment, self._namespace(environment)),
        )
        return seen, listed

    def _selector(self, environment: Environment) -> str:
        return f"app.kubernetes.io/instance={self._namespace(environment)}"

    def measure(self, environment: Environment) -> Observation:
        """The pods and their usage: by what each pod says of its own control group, with metrics.k8s.io as a check;
        by metrics.k8s.io alone where a pod does not say it. Samples are collected from one call to the next.
        """
        seen, listed = self._seen(environment)
        told = self._usage.setdefault(environment, UsageSamples())
        told.read(listed)
        available = self._measure(environment, self._selector(environment))
        started = max((pod.started_at or 0.0 for pod in seen.pods), default=0.0)
        names = {pod.name for pod in seen.pods}
        slow = [
            sample
            for (name, at), sample in sorted(self._samples.get(environment, {}).items(), key=lambda item: item[0][1])
            if name in names and at > started
        ]
        complete = told.knows(names)
        own = sorted((one for name in names for one in told.samples.get(name, ())), key=lambda one: one.at)
        found = {"samples": own, "cross_check": slow[-1] if slow else None} if complete else {"samples": slow}
        return seen.model_copy(update={**found, "metrics_available": complete or available})

    def deployment(self, environment: Environment) -> dict[str, Any] | None:
        """The Deployment of an environment; None where there is none."""
        name = self._namespace(environment)
        path = path_of("apps/v1", "deployments", name, name)
        found: dict[str, Any] | None = self.api.get(path, what=f"reading Deployment {name}", absent=True)
        return found

    def _warnings(self, environment: Environment, pod: str) -> list[str]:
        selector = f"involvedObject.name={pod},type=Warning"
        events = self._list(environment, "v1", "events", fieldSelector=selector)
        ordered = sorted(events, key=_at)
        return [f"{one.get('reason')}: {one.get('message')}" for one in ordered]

    def _measure(self, environment: Environment, selector: str) -> bool:
        """Read the current samples of metrics.k8s.io. Returns False where the cluster has no such API. A server of this
        API that is unavailable gives no samples.
        """
        namespace = self._namespace(environment)
        path = path_of("metrics.k8s.io/v1beta1", "pods", namespace)
        try:
            found = self.api.get(path, what=f"reading usage in {namespace}", absent=True, labelSelector=selector)
        except Unavailable:
            return True
        if found is None:
            return False
        kept = self._samples.setdefault(environment, {})
        for item in found.get("items") or []:
            sample = sample_of(item)
            if sample is not None:
                kept[item["metadata"]["name"], sample.at] = sample
        return True

    def status(self, environment: Environment) -> EnvironmentStatus:
        """What stands in the environment by the Kubernetes API alone: nothing is asked of the app."""
        return read_status(self, environment)

    def url(self, app_host: str) -> str:
        """The base URL of a host. Service names resolve inside the cluster as they are."""
        return app_url(app_host)

    def unschedulable(self, pod: str) -> str:
        """What the scheduler said last of a pod that it never placed, by its events, which outlive it by an hour."""
        path = path_of("v1", "events", self.settings.workflows_namespace)
        found = self.api.get(path, what=f"listing events of pod {pod}", fieldSelector=f"involvedObject.name={pod}")
        events = found.get("items") or []
        if any(one.get("reason") == "Scheduled" for one in events):
            return ""
        said = [one for one in events if one.get("reason") == "FailedScheduling"]
        return str(max(said, key=_at).get("message") or "") if said else ""

    def release_alive(self, release: str) -> bool:
        """Whether a Workflow of that name exists and has not ended."""
        if not release or "/" in release:
            return False
        found = self.stored_workflow(release)
        return found is not None and (found.get("status") or {}).get("phase") not in ENDED

    def stored_workflow(self, release: str) -> dict[str, Any] | None:
        """The Workflow object of that name; None where there is none."""
        found: dict[str, Any] | None = self.api.get(
            self._workflow(release), what=f"reading workflow {release}", absent=True
        )
        return found

    def label_release(self, release: str, labels: dict[str, str]) -> None:
        """Add labels to the Workflow object of that name."""
        patch = {"metadata": {"labels": labels}}
        self.api.patch(self._workflow(release), patch, what=f"labelling workflow {release}")

    def _workflow(self, release: str) -> str:
        return path_of("argoproj.io/v1alpha1", "workflows", self.settings.workflows_namespace, release)
