"""What refers to what: what has to be found, and what must not be."""

import contextlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from workflows.validation.manifests import LABELS, found, manifest, workload

from slipway_steps.domain.errors import BadInput
from slipway_workflows.validation.deployment import object_faults
from slipway_workflows.validation.inputs import read
from slipway_workflows.validation.objects import selects


def service(**port: Any) -> dict[str, Any]:
    return manifest("Service", {"selector": {"app": "a"}, "ports": [{"port": 80, **port}]})


def scaler(least: int = 2, name: str = "a") -> dict[str, Any]:
    return manifest(
        "HorizontalPodAutoscaler", {"scaleTargetRef": {"kind": "Deployment", "name": name}, "minReplicas": least}
    )


@pytest.mark.parametrize(
    ("budget", "objects", "blocks"),
    [
        ({"minAvailable": 1}, [workload(replicas=1)], True),
        ({"minAvailable": 1}, [workload()], True),
        ({"minAvailable": 1}, [workload(replicas=2)], False),
        ({"minAvailable": 2}, [workload(replicas=2)], True),
        ({"minAvailable": "50%"}, [workload(replicas=2)], False),
        ({"minAvailable": "51%"}, [workload(replicas=2)], True),
        ({"minAvailable": "100%"}, [workload(replicas=9)], True),
        ({"maxUnavailable": 0}, [workload(replicas=9)], True),
        ({"maxUnavailable": "0%"}, [workload(replicas=9)], True),
        ({"maxUnavailable": 1}, [workload(replicas=1)], False),
        ({"minAvailable": 1}, [workload(replicas=0)], False),
        ({"minAvailable": 1}, [workload(), scaler(2)], False),
        ({"minAvailable": 2}, [workload(replicas=5), scaler(2)], True),
        ({"minAvailable": 1}, [workload("DaemonSet")], False),
    ],
)
def test_a_budget(budget: dict[str, Any], objects: list[dict[str, Any]], blocks: bool) -> None:
    one = manifest("PodDisruptionBudget", {**budget, "selector": LABELS})
    assert bool(found("SD106", one, *objects)) == blocks


@pytest.mark.parametrize(
    ("port", "container", "unknown"),
    [
        ({"targetPort": "http"}, {}, False),
        ({"targetPort": "web"}, {}, True),
        ({"targetPort": 8000}, {}, False),
        ({"targetPort": 9000}, {}, True),
        ({}, {}, True),
        ({"port": 8000}, {}, False),
        ({"targetPort": 9000}, {"ports": []}, False),
        ({"targetPort": "http"}, {"ports": []}, True),
    ],
)
def test_a_target_port(port: dict[str, Any], container: dict[str, Any], unknown: bool) -> None:
    assert bool(found("SD104", service(**port), workload(**container))) == unknown


def test_a_service_selects_in_its_own_namespace_alone() -> None:
    elsewhere = {**workload(), "metadata": {"name": "a", "namespace": "other"}}
    assert found("SD107", service(), workload()) == []
    assert found("SD107", service(), elsewhere) == ["Service a selects no pod template  (labels: app=a)"]
    assert found("SD107", manifest("Service", {"ports": [{"port": 1}]})) == []
    assert (
        found("SD107", manifest("Service", {"type": "ExternalName", "externalName": "x", "selector": {"a": "b"}})) == []
    )
    for kind in ("StatefulSet", "DaemonSet", "Job"):
        assert found("SD107", service(), workload(kind)) == []
    cron = manifest("CronJob", {"jobTemplate": {"spec": {"template": workload()["spec"]["template"]}}})
    assert found("SD107", service(), cron) == []


def test_a_hook_of_helm_is_behind_no_service() -> None:
    pod = {**workload()["spec"]["template"], "kind": "Pod", "apiVersion": "v1"}
    pod["metadata"] = {
        "name": "test",
        "namespace": "n",
        "labels": {"app": "a"},
        "annotations": {"helm.sh/hook": "test"},
    }
    assert found("SD104", service(targetPort="web"), pod) == []
    assert len(found("SD107", service(), pod)) == 1


ROLE = manifest("RoleBinding", None, roleRef={"kind": "Role", "name": "a"})


def monitor(port: str = "http") -> dict[str, Any]:
    return manifest("ServiceMonitor", {"selector": LABELS, "endpoints": [{"port": port}]})


def labelled(one: dict[str, Any]) -> dict[str, Any]:
    return {**one, "metadata": {**one["metadata"], "labels": {"app": "a"}}}


def ingress(name: str, port: dict[str, Any]) -> dict[str, Any]:
    paths = [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": name, "port": port}}}]
    return manifest("Ingress", {"rules": [{"host": "h", "http": {"paths": paths}}]})


def route(backend: dict[str, Any], name: str = "a", **spec: Any) -> dict[str, Any]:
    return manifest("HTTPRoute", {"hostnames": ["h"], "rules": [{"backendRefs": [backend]}], **spec}, name)


@pytest.mark.parametrize(
    ("objects", "dangling"),
    [
        ([scaler()], True),
        ([scaler(), workload()], False),
        ([scaler(), workload("StatefulSet")], True),
        ([manifest("PodDisruptionBudget", {"minAvailable": 1, "selector": LABELS})], True),
        ([ROLE], True),
        ([ROLE, manifest("Role")], False),
        ([manifest("RoleBinding", None, roleRef={"kind": "ClusterRole", "name": "view"})], False),
        ([{**workload("StatefulSet"), "spec": {**workload()["spec"], "serviceName": "no"}}], True),
        ([monitor()], True),
        ([monitor(), labelled(service(name="http")), workload()], False),
        ([monitor("web"), labelled(service(name="http")), workload()], True),
        ([ingress("a", {"number": 80}), service(), workload()], False),
        ([ingress("a", {"number": 81}), service(), workload()], True),
        ([ingress("a", {"name": "http"}), service(name="http"), workload()], False),
        ([ingress("b", {"number": 80}), service(), workload()], True),
        ([route({"name": "a", "port": 80}), service(), workload()], False),
        ([route({"name": "a", "port": 8000}), service(), workload()], True),
        ([route({"name": "b", "port": 80, "namespace": "elsewhere"})], False),
        ([route({"name": "b", "port": 80, "namespace": "m"}), manifest("ConfigMap", namespace="m")], True),
        ([route({"name": "b", "kind": "ServiceImport"})], False),
    ],
)
def test_what_points_at_nothing(objects: list[dict[str, Any]], dangling: bool) -> None:
    assert bool(found("SD105", *objects)) == dangling


PARENT = {"parentRefs": [{"name": "g"}]}
PATH = {"matches": [{"path": {"type": "PathPrefix", "value": "/x"}}]}


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        (PARENT, PARENT, True),
        (PARENT, {"parentRefs": [{"name": "other"}]}, False),
        (PARENT, {}, True),
        (PARENT, {**PARENT, "hostnames": ["i"]}, False),
        (PARENT, {**PARENT, "rules": [PATH]}, False),
        ({**PARENT, "rules": [PATH]}, {**PARENT, "rules": [PATH]}, True),
        (PARENT, {**PARENT, "rules": [{"matches": [{"headers": [{"name": "x", "value": "y"}]}]}]}, False),
    ],
)
def test_two_routes(first: dict[str, Any], second: dict[str, Any], both: bool) -> None:
    spec = {"hostnames": ["h"]}
    routes = manifest("HTTPRoute", {**spec, **first}, "a"), manifest("HTTPRoute", {**spec, **second}, "b")
    wanted = ["HTTPRoute b claims h, which HTTPRoute a in n claims too"] if both else []
    assert found("SD109", *routes) == wanted


def test_a_route_of_no_namespace_is_named_without_one() -> None:
    rule = {"host": "h", "http": {"paths": [{"path": "/"}]}}
    routes = [manifest("Ingress", {"rules": [rule]}, name, namespace="") for name in ("a", "b")]
    assert found("SD109", *routes) == ["Ingress b claims h, which Ingress a claims too"]


def test_gateways_of_one_name_in_two_namespaces_are_two() -> None:
    spec = {"hostnames": ["h"], "parentRefs": [{"name": "g"}]}
    shared = {"hostnames": ["h"], "parentRefs": [{"name": "g", "namespace": "n"}]}
    assert found("SD109", manifest("HTTPRoute", spec), manifest("HTTPRoute", spec, namespace="m")) == []
    assert len(found("SD109", manifest("HTTPRoute", spec), manifest("HTTPRoute", shared, namespace="m"))) == 1


def test_objects_of_one_name_are_other_objects_in_another_namespace_or_of_another_kind() -> None:
    one = manifest("ConfigMap")
    assert len(found("SD114", one, one)) == 1
    assert found("SD114", one, manifest("Secret"), manifest("ConfigMap", namespace="m")) == []


def test_what_may_be_in_the_cluster_already_is_not_missed() -> None:
    source = {"configMapKeyRef": {"name": "s", "key": "k"}}
    pod = workload(env=[{"name": "K", "valueFrom": source}])
    settings_ = manifest("ConfigMap", None, "s", data={"other": "1"})
    assert found("SD111", pod) == []
    assert len(found("SD111", pod, settings_)) == 1
    assert found("SD111", pod, {**settings_, "data": {"k": ""}}) == []
    source["configMapKeyRef"]["optional"] = True  # type: ignore[assignment]
    assert found("SD111", pod, settings_) == []


def test_selectors() -> None:
    def one(operator: str, *values: str) -> dict[str, Any]:
        return {"matchExpressions": [{"key": "a", "operator": operator, "values": list(values)}]}

    assert selects({}, {})
    assert selects(one("In", "b"), {"a": "b"})
    assert not selects(one("In", "b"), {"a": "c"})
    assert selects(one("NotIn", "b"), {})
    assert not selects(one("NotIn", "b"), {"a": "b"})
    assert selects(one("Exists"), {"a": "b"})
    assert selects(one("DoesNotExist"), {})
    assert not selects(one("Like", "b"), {"a": "b"})


def test_the_items_of_a_list_have_their_lines(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("apiVersion: v1\nkind: List\nitems:\n- kind: Service\n  metadata: {name: a}\n")
    (one,) = read([tmp_path / "a.yaml"], []).objects
    assert one.place.at((*one.prefix, "metadata", "name")) == (str(tmp_path / "a.yaml"), 5)


KINDS = ["Deployment", "Pod", "CronJob", "Service", "HTTPRoute", "Ingress", "NetworkPolicy", "PodDisruptionBudget"]
KINDS += ["HorizontalPodAutoscaler", "ConfigMap", "Secret", "ServiceMonitor", "StatefulSet", "RoleBinding", "List"]
KEYS = [
    "selector",
    "template",
    "spec",
    "metadata",
    "labels",
    "containers",
    "env",
    "ports",
    "resources",
    "limits",
    "rules",
]
KEYS += [
    "matchLabels",
    "matchExpressions",
    "hostnames",
    "parentRefs",
    "backendRefs",
    "ingress",
    "egress",
    "from",
    "data",
]
KEYS += ["scaleTargetRef", "minAvailable", "metrics", "endpoints", "volumes", "volumeMounts", "securityContext", "name"]
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(["a", "2GB", "http://a", "50%", ""])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)),
    max_leaves=25,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=80)
@given(
    st.lists(st.tuples(st.sampled_from(KINDS), st.dictionaries(st.sampled_from(KEYS), VALUES)), min_size=1, max_size=4)
)
def test_nothing_that_is_yaml_breaks_it(tmp_path: Path, objects: list[tuple[str, dict[str, Any]]]) -> None:
    documents = [{"apiVersion": "v1", "kind": kind, **body, "spec": body} for kind, body in objects]
    (tmp_path / "a.yaml").write_text(yaml.safe_dump_all(documents))
    with contextlib.suppress(BadInput):
        for fault in object_faults(read([tmp_path / "a.yaml"], []).objects):
            assert fault.place.at(fault.path)[1] >= 1
