"""A cluster in one process: API server, Argo's workflow controller, Argo CD, Deployments, Services, MLflow, registry.

The chart of Slipway is installed in it as it is rendered: settings, templates, accounts and Roles. Steps run as
processes with the rights of their accounts; the app of an environment runs from the image that a release has pushed.
"""

import contextlib
import io
import json
import os
from pathlib import Path
from typing import Any
from unittest.mock import patch

from e2e.cluster.installation import APP, ENVIRONMENTS, NAMESPACE, Installation
from e2e.machine import Finished
from kube_kinds import KINDS
from rendered_charts import rendered
from simulated_cluster.argo_cd import ArgoCD
from simulated_cluster.environments import EnvironmentPods
from simulated_cluster.objects import Object, Objects
from simulated_cluster.parts import RegistryPart, start_mlflow
from simulated_cluster.services import Services
from simulated_cluster.workflow_controller import WorkflowController

from slipway_steps import __version__
from slipway_steps.adapters.local.platform import LocalPlatform
from slipway_steps.adapters.oci.runnable_registry import RunnableRegistry
from slipway_steps.domain.environment import Environment, service_host
from slipway_steps.settings import Settings
from slipway_workflows.cli import main

DNS = Path(__file__).parent / "dns"
DOMAIN = "svc.cluster.local"
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


def namespace(name: str, **labels: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def application(environment: str) -> Object:
    """An Application as ansible/argocd_apps.yml makes it, with nothing deployed yet."""
    name = f"{APP}-{environment}"
    parameters = [{"name": "app", "value": APP}, {"name": "networkPolicy.namespaces[0]", "value": NAMESPACE}]
    files = [f"values-{environment}.yaml", f"release-{environment}.yaml"]
    source = {"path": "charts/model-app", "helm": {"valueFiles": files, "parameters": parameters}}
    spec = {"source": source, "destination": {"namespace": name}}
    status = {"sync": {"status": "Synced", "comparedTo": {"source": source}}, "health": {"status": "Healthy"}}
    metadata = {"name": name, "namespace": "argocd"}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": metadata,
        "spec": spec,
        "status": status,
    }


class SimulatedCluster:
    """All parts, with their state in `directory`."""

    def __init__(self, directory: Path) -> None:
        self._stack = contextlib.ExitStack()
        with contextlib.ExitStack() as failing:
            failing.callback(self.close)
            self._start(directory)
            failing.pop_all()

    def close(self) -> None:
        self._stack.close()

    def _kept(self, part: Any) -> Any:
        self._stack.callback(part.close)
        return part

    def _start(self, directory: Path) -> None:
        mlflow_host = f"mlflow.{NAMESPACE}.{DOMAIN}:5000"
        mlflow = self._kept(start_mlflow(directory, mlflow_host))
        registry = self._kept(RegistryPart(directory, f"slipway/app:{__version__}"))
        services = self._kept(Services())
        services.add(mlflow_host.partition(":")[0], 5000, lambda: ("127.0.0.1", mlflow.port))
        services.add(f"registry.kube-system.{DOMAIN}", 5000, lambda: ("127.0.0.1", registry.port))
        self.objects = self._kept(Objects())
        self._install()
        settings = Settings(home=directory / "node", app=APP, registry=registry.host, registry_insecure=True)
        platform = LocalPlatform(settings, RunnableRegistry(settings))
        self.environments = {}
        for environment in Environment:
            pods = self._kept(EnvironmentPods(self.objects, platform, environment, APP))
            self.environments[f"{APP}-{environment}"] = pods
            host = service_host(APP, environment).partition(":")[0]
            services.add(host, 8000, lambda one=environment: behind(platform, one))
        self._kept(
            ArgoCD(
                self.objects,
                lambda name, rendered: self.environments[name].apply(rendered),
                lambda name: self.environments[name].health(),
            )
        )
        shared = {"PYTHONPATH": str(DNS), "SIMULATED_DNS": json.dumps(services.names)}
        self._kept(WorkflowController(self.objects, directory / "argo", shared))
        mlflow.ready("/health", mlflow_host)

    def _install(self) -> None:
        """What the playbooks make: namespaces, the rendered chart, the Applications."""
        own = (NAMESPACE, "slipway-perf", *(f"{APP}-{environment}" for environment in ENVIRONMENTS))
        self.objects.add(*(namespace(name, **RESTRICTED) for name in own), namespace("argocd"))
        for one in rendered("slipway", {"app": APP, "build": {"enabled": False}}, NAMESPACE):
            if one["kind"] in KINDS.get(one["apiVersion"], {}) and one["kind"] != "Namespace":
                one["metadata"].setdefault("namespace", NAMESPACE)
                self.objects.add(one)
        self.objects.add(*map(application, ENVIRONMENTS))


def behind(platform: LocalPlatform, environment: Environment) -> tuple[str, int] | None:
    """The process behind the Service of an environment, if there is one."""
    url = platform.status(environment).url
    if url is None:
        return None
    host, _, port = url.removeprefix("http://").partition(":")
    return host, int(port)


class SimulatedInstallation(Installation):
    """The installation of a simulated cluster. The program runs in this process, which saves a second each time."""

    def __init__(self, cluster: SimulatedCluster, directory: Path, package: str) -> None:
        super().__init__(cluster.objects.kubeconfig(directory / "kubeconfig"), package, patience=300, poll=0.1)
        self.cluster = cluster
        self.usual = {"load_requests": "20", "load_users": "2"}
        self.environment = {**self.environment, "SLIPWAY_HOME": str(directory / "person")}

    def slipway(self, *arguments: str) -> Finished:
        out, err = io.StringIO(), io.StringIO()
        with (
            patch.dict(os.environ, self.environment),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = main([*arguments, "--cluster"])
        return Finished(code, out.getvalue(), err.getvalue())

    def evict(self, environment: str) -> None:
        self.cluster.environments[f"{APP}-{environment}"].evict()
