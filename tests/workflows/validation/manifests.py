"""Kubernetes objects for the tests of the validator, and what is found in them."""

from typing import Any

from slipway_workflows.validation.deployment import object_faults
from slipway_workflows.validation.objects import KubeObject
from slipway_workflows.validation.places import FilePlace

LABELS = {"matchLabels": {"app": "a"}}


def manifest(kind: str, spec: Any = None, name: str = "a", namespace: str = "n", **more: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **({"spec": spec} if spec else {}), **more}


def workload(
    kind: str = "Deployment", replicas: int | None = None, name: str = "a", **container: Any
) -> dict[str, Any]:
    one = {"name": "c", "image": "a/b:1.0.0", "ports": [{"name": "http", "containerPort": 8000}], **container}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [one]}}
    spec = {"selector": {"matchLabels": {"app": name}}, "template": template}
    return manifest(kind, {**spec, **({} if replicas is None else {"replicas": replicas})}, name)


def found(code: str, *manifests: dict[str, Any]) -> list[str]:
    place = FilePlace("x")
    return [one.message for one in object_faults([KubeObject(each, place) for each in manifests]) if one.code == code]
