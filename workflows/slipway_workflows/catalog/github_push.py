"""A release for each push to main on GitHub: EventBus, EventSource and Sensor of Argo Events 1.9.

Hera's models of these lose data, so they are written as what they are. Each filter is there because without it
something else started a release (seen on the real one): a signed `ping` has a ref, and deleting the branch sends a push
of zeros.
"""

from typing import Any

from slipway_workflows.catalog.parts import NAMESPACE, searchable

NAME = "github-push"
API = "argoproj.io/v1alpha1"
SECRET = "slipway-github"  # noqa: S105 - the name of a Secret
"""Secret that holds the webhook's secret under `secret`; made by the installer, never in a manifest."""
JETSTREAM = "2.10.29"
"""One of the versions of NATS that the controller of Argo Events 1.9 is configured with; it refuses any other."""
OWNER, REPOSITORY = "your-organisation", "your-repository"
"""To be replaced by the installer; the chart and the playbook have values for both."""


POD = {
    "runAsNonRoot": True,
    "runAsUser": 10001,
    "runAsGroup": 10001,
    "fsGroup": 10001,
    "seccompProfile": {"type": "RuntimeDefault"},
}
CONTAINER = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
"""Together the `restricted` Pod Security Standard, which the namespace enforces; Argo Events sets none of it itself."""
RESOURCES = {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"cpu": "500m", "memory": "256Mi"}}
"""Of each of the bus's nine containers and of the two pods: idle nearly always, and all on one small node."""


def _pod(account: str) -> dict[str, Any]:
    return {
        "serviceAccountName": account,
        "securityContext": POD,
        "container": {"securityContext": CONTAINER, "resources": RESOURCES},
    }


def _metadata(name: str) -> dict[str, Any]:
    return {"name": name, "namespace": NAMESPACE, "labels": {"app.kubernetes.io/part-of": "slipway"}}


def bus() -> dict[str, Any]:
    """Three JetStream replicas keep a push while the sensor is away."""
    container = {"securityContext": CONTAINER, "resources": RESOURCES}
    templates = ("containerTemplate", "metricsContainerTemplate", "reloaderContainerTemplate")
    jetstream = {"version": JETSTREAM, "replicas": 3, "securityContext": POD, **dict.fromkeys(templates, container)}
    spec = {"jetstream": jetstream}
    return {"apiVersion": API, "kind": "EventBus", "metadata": _metadata("default"), "spec": spec}


def source() -> dict[str, Any]:
    """Receives GitHub's signed requests; a missing or wrong signature is answered with 400."""
    push = {
        "repositories": [{"owner": OWNER, "names": [REPOSITORY]}],
        "webhook": {
            "endpoint": "/push",
            "port": "12000",
            "method": "POST",
            # required; the webhook is made by hand, once, in GitHub's settings, so that no API token is needed here
            "url": f"http://{NAME}-eventsource-svc.{NAMESPACE}.svc.cluster.local:12000",
        },
        "events": ["push"],
        "webhookSecret": {"name": SECRET, "key": "secret"},
        "insecure": False,
        "active": True,
        "contentType": "json",
    }
    spec = {
        "template": _pod("slipway-events"),
        "service": {"ports": [{"port": 12000, "targetPort": 12000}]},
        "github": {"push": push},
    }
    return {"apiVersion": API, "kind": "EventSource", "metadata": _metadata(NAME), "spec": spec}


def sensor() -> dict[str, Any]:
    """One release a commit: the workflow is named after it, so a redelivery is refused as AlreadyExists."""
    filters = [
        {"path": "headers.X-Github-Event.0", "type": "string", "value": ["push"]},
        {"path": "body.ref", "type": "string", "value": ["refs/heads/main"]},
        {"path": "body.deleted", "type": "bool", "value": ["false"]},
    ]
    workflow = {
        "apiVersion": API,
        "kind": "Workflow",
        "metadata": {
            "name": "release-",
            "namespace": NAMESPACE,
            "labels": {**searchable("release-model"), "slipway.dev/trigger": NAME},
        },
        "spec": {
            "workflowTemplateRef": {"name": "release-model"},
            "arguments": {"parameters": [{"name": "revision", "value": ""}]},
        },
    }
    commit = {"dependencyName": "push", "dataKey": "body.after"}
    trigger = {
        "name": "release",
        # the argoWorkflow trigger calls an argo program of v3.7, older than the server
        "k8s": {
            "operation": "create",
            "source": {"resource": workflow},
            "parameters": [
                {"src": commit, "dest": "metadata.name", "operation": "append"},
                {"src": commit, "dest": "spec.arguments.parameters.0.value"},
            ],
        },
    }
    spec = {
        "template": _pod("slipway-sensor"),
        "dependencies": [
            {
                "name": "push",
                "eventSourceName": NAME,
                "eventName": "push",
                "filters": {"dataLogicalOperator": "and", "data": filters},
            }
        ],
        "triggers": [{"template": trigger, "retryStrategy": {"steps": 3}}],
    }
    return {"apiVersion": API, "kind": "Sensor", "metadata": _metadata("release-on-push"), "spec": spec}


def build() -> list[dict[str, Any]]:
    """All three."""
    return [bus(), source(), sensor()]
