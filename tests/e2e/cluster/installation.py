"""An installation of Slipway that the cases of this directory use as a person does: by the program `slipway`.

A cluster is looked at by the Kubernetes API, and faults are made by it: a pod is deleted, a pod is evicted.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import kubernetes
from e2e.machine import Finished, outputs, phases

NAMESPACE, APP = "slipway-e2e", "e2e-app"
ENVIRONMENTS = ("staging", "canary", "production")
GROUP = ("argoproj.io", "v1alpha1")
ENDED = ("Succeeded", "Failed", "Error")
Object = dict[str, Any]
T = TypeVar("T")


class Installation:
    """`package`: directory of a packaged model as the pods of training see it; empty: each release trains a model.

    `patience`: seconds that a release may take. `poll`: seconds between two looks. `usual`: parameters of
    every release.
    """

    def __init__(self, kubeconfig: Path, package: str = "", patience: float = 900, poll: float = 2) -> None:
        self.kubeconfig = kubeconfig
        self.package = package
        self.patience = patience
        self.poll = poll
        self.usual: dict[str, str] = {}
        configuration = kubernetes.client.Configuration()
        kubernetes.config.load_kube_config(str(kubeconfig), client_configuration=configuration)
        self.client = kubernetes.client.ApiClient(configuration)
        self.core = kubernetes.client.CoreV1Api(self.client)
        self.custom = kubernetes.client.CustomObjectsApi(self.client)
        self.environment: Mapping[str, str] = {
            "KUBECONFIG": str(kubeconfig),
            "SLIPWAY_WORKFLOWS_NAMESPACE": NAMESPACE,
            "SLIPWAY_APP": APP,
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }

    def slipway(self, *arguments: str) -> Finished:
        """Run the program against the cluster; whatever it says, it may not end with a traceback."""
        command = [sys.executable, "-c", "from slipway_workflows.cli import script; script()", *arguments, "--cluster"]
        done = subprocess.run(
            command,
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=self.patience,
            check=False,
        )
        assert "Traceback (most recent call last)" not in done.stderr, done.stderr[-3000:]
        return Finished(done.returncode, done.stdout, done.stderr)

    def said(self, *arguments: str) -> str:
        """What a command prints that has to succeed."""
        found = self.slipway(*arguments)
        assert found.code == 0, f"slipway {' '.join(arguments)}: {found.err}"
        return found.out.strip()

    def submit(self, template: str, **parameters: str) -> str:
        """Start a workflow; returns its name."""
        given = [word for key, value in parameters.items() for word in ("-p", f"{key.replace('_', '-')}={value}")]
        return self.said("submit", template, *given).splitlines()[-1]

    def release(self, **parameters: str) -> str:
        """Start a release; returns the workflow's name. The model is the packaged one, where there is one."""
        package = {"model_package": self.package} if self.package else {}
        return self.submit("release-model", **package, **parameters)

    def workflow(self, name: str) -> Object:
        """The Workflow as `slipway get` has it."""
        found: Object = json.loads(self.said("get", name, "-o", "json"))
        return found

    def until(self, what: str, look: Callable[[], T | None], seconds: float | None = None) -> T:
        """Look until there is something to be seen, and return it."""
        deadline = time.monotonic() + (seconds or self.patience)
        while True:
            found = look()
            if found:
                return found
            assert time.monotonic() < deadline, f"it never happened: {what}"
            time.sleep(self.poll)

    def stored(self, name: str) -> Object:
        """The Workflow as the API server has it, without a run of the program: for looking often."""
        found: Object = self.custom.get_namespaced_custom_object(*GROUP, NAMESPACE, "workflows", name)
        return found

    def ended(self, name: str) -> Object:
        """The Workflow once it has ended."""

        def look() -> bool:
            return (self.stored(name).get("status") or {}).get("phase") in ENDED

        self.until(f"{name} ends", look)
        return self.workflow(name)

    def step_pod(self, name: str, step: str) -> str:
        """The name of the running pod of a step, once there is one."""

        def look() -> str | None:
            selector = f"workflows.argoproj.io/workflow={name}"
            for pod in self.core.list_namespaced_pod(NAMESPACE, label_selector=selector).items:
                own = (pod.metadata.annotations or {}).get("workflows.argoproj.io/node-name", "")
                if pod.status.phase == "Running" and own.split(".")[-1].split("(")[0] == step:
                    return str(pod.metadata.name)
            phase = (self.stored(name).get("status") or {}).get("phase")
            assert phase not in ENDED, f"{name} is {phase}, and {step} was never seen running"
            return None

        return self.until(f"{step} of {name} runs", look)

    def delete_pod(self, name: str, namespace: str = NAMESPACE) -> None:
        """Delete a pod as a node that goes away does: without waiting for its program."""
        self.core.delete_namespaced_pod(name, namespace, grace_period_seconds=0)

    def status(self) -> dict[str, dict[str, Any]]:
        """What each environment serves, as `slipway status` has it."""
        found: dict[str, dict[str, Any]] = json.loads(self.said("status", "--output", "json"))["environments"]
        return found

    def served(self) -> dict[str, str | None]:
        """The version of each environment. All that have one have to be up."""
        found = self.status()
        for environment, one in found.items():
            assert one["phase"] == ("Running" if one["version"] else "Empty"), (environment, one)
        return {environment: one["version"] for environment, one in found.items()}

    def tag_of(self, environment: str) -> str:
        """The image tag that the environment's Application was told last."""
        app = self.custom.get_namespaced_custom_object(*GROUP, "argocd", "applications", f"{APP}-{environment}")
        listed = ((app["spec"]["source"].get("helm") or {}).get("parameters")) or []
        return next((str(one["value"]) for one in listed if one["name"] == "image.tag"), "")

    def app_pod(self, environment: str) -> Object:
        """The pod that serves in an environment, once it is ready."""
        namespace = f"{APP}-{environment}"

        def look() -> Object | None:
            for pod in self.core.list_namespaced_pod(namespace).items:
                statuses = pod.status.container_statuses or []
                if pod.status.phase == "Running" and statuses and all(one.ready for one in statuses):
                    found: Object = self.client.sanitize_for_serialization(pod)
                    return found
            return None

        return self.until(f"a pod of {environment} is ready", look)

    def evict(self, environment: str) -> None:
        """Have the kubelet evict the pod of an environment: it writes more to /tmp than its volume may hold."""
        from kubernetes.stream import stream

        pod = self.app_pod(environment)["metadata"]["name"]
        fill = "open('/tmp/fill', 'wb').write(bytes(100 * 2**20))"
        call = self.core.connect_get_namespaced_pod_exec
        stream(call, pod, f"{APP}-{environment}", command=["python", "-c", fill], stdout=True, stderr=True)

        def gone() -> bool:
            found = self.core.list_namespaced_pod(f"{APP}-{environment}").items
            return any(one.metadata.name == pod and one.status.phase == "Failed" for one in found)

        self.until("the pod is evicted", gone, 180)


__all__ = ["APP", "ENVIRONMENTS", "NAMESPACE", "Installation", "outputs", "phases"]
