"""A release for each push to main on GitHub: EventBus, EventSource and Sensor of Argo Events 1.9.

The objects are written as plain maps because Hera's models of them lose data. Each filter is needed, as was seen with
the real Argo Events: without them a signed `ping`, which has a ref, starts a release, and so does the deletion of a
branch, which is sent as a push of a commit of zeros.
"""

from typing import Any

from slipway_workflows.catalog.parts import NAMESPACE, search_labels

NAME = "github-push"
API = "argoproj.io/v1alpha1"
SECRET = "slipway-github"  # noqa: S105 - the name of a Secret
"""The Secret with the secret of the webhook in its key `secret`. It is created at the installation, by no manifest."""
JETSTREAM = "2.10.29"
"""A version of NATS that the controller of Argo Events 1.9 has in its configuration; it refuses all others."""
OWNER, REPOSITORY = "your-organisation", "your-repository"
"""Placeholders; the chart and the playbook have values that replace both."""


POD = {
    "runAsNonRoot": True,
    "runAsUser": 10001,
    "runAsGroup": 10001,
    "fsGroup": 10001,
    "seccompProfile": {"type": "RuntimeDefault"},
}
CONTAINER = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
"""Together they meet the `restricted` Pod Security Standard of the namespace; Argo Events sets none of these fields."""
RESOURCES = {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"cpu": "500m", "memory": "256Mi"}}
"""The resources of each of the nine containers of the bus, and of the two other pods.

They are small, because the containers are idle most of the time and may all run on one small node."""


def _pod(account: str) -> dict[str, Any]:
    return {
        "serviceAccountName": account,
        "securityContext": POD,
        "container": {"securityContext": CONTAINER, "resources": RESOURCES},
    }


def _metadata(name: str) -> dict[str, Any]:
    return {"name": name, "namespace": NAMESPACE, "labels": {"app.kubernetes.io/part-of": "slipway"}}


def bus() -> dict[str, Any]:
    """The EventBus: three replicas of JetStream, which store a push while the Sensor is down."""
    container = {"securityContext": CONTAINER, "resources": RESOURCES}
    templates = ("containerTemplate", "metricsContainerTemplate", "reloaderContainerTemplate")
    jetstream = {"version": JETSTREAM, "replicas": 3, "securityContext": POD, **dict.fromkeys(templates, container)}
    spec = {"jetstream": jetstream}
    return {"apiVersion": API, "kind": "EventBus", "metadata": _metadata("default"), "spec": spec}


def source() -> dict[str, Any]:
    """The EventSource. It receives signed requests of GitHub; a missing or wrong signature is answered with 400."""
    push = {
        "repositories": [{"owner": OWNER, "names": [REPOSITORY]}],
        "webhook": {
            "endpoint": "/push",
            "port": "12000",
            "method": "POST",
            # a required field, but not used: the webhook is created once by hand in the settings of GitHub,
            # so that no API token of GitHub is needed here
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
    """The Sensor. It starts one release for each commit.

    The workflow has the name of the commit, so a second delivery of the same push is refused as AlreadyExists.
    """
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
            "labels": {**search_labels("release-model"), "slipway.dev/trigger": NAME},
        },
        "spec": {
            "workflowTemplateRef": {"name": "release-model"},
            "arguments": {"parameters": [{"name": "revision", "value": ""}]},
        },
    }
    commit = {"dependencyName": "push", "dataKey": "body.after"}
    trigger = {
        "name": "release",
        # not the trigger argoWorkflow: that one calls the program argo 3.7, which is older than the server
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
    """The EventBus, the EventSource and the Sensor."""
    return [bus(), source(), sensor()]
