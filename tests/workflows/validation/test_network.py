"""NetworkPolicies and the clients that are deployed with them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway_workflows.validation.network import CHECKS
from slipway_workflows.validation.objects import KubeObject, Objects
from slipway_workflows.validation.places import FilePlace


def pod(name: str, namespace: str = "a", url: str = "", ports: Any = ()) -> dict[str, Any]:
    container = {"name": name, "image": "a/b:1", "ports": list(ports), "env": [{"name": "APP_URL", "value": url}]}
    metadata = {"name": name, "namespace": namespace, "labels": {"app": name}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}


PORTS = [{"name": "http", "containerPort": 8000}]
SERVICE = yaml.safe_load(
    "{kind: Service, apiVersion: v1, metadata: {name: app, namespace: a}, "
    "spec: {selector: {app: app}, ports: [{port: 80, targetPort: http}]}}"
)


def policy(target: str, namespace: str = "a", **spec: Any) -> dict[str, Any]:
    metadata = {"name": "policy", "namespace": namespace}
    given = {"podSelector": {"matchLabels": {"app": target}}, **spec}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": given}


def messages(*manifests: dict[str, Any]) -> list[str]:
    place = FilePlace("x")
    objects = Objects([KubeObject(one, place) for one in manifests])
    return [fault.message for check in CHECKS for fault in check(objects)]


def peers(*found: Any, port: Any = "http") -> list[dict[str, Any]]:
    return [{"from": list(found), "ports": [{"port": port}]}]


CLIENT = pod("client", url="http://app:80/x")
SERVER = pod("app", ports=PORTS)
NEAR = {"podSelector": {"matchLabels": {"app": "client"}}}
OTHER = {"podSelector": {"matchLabels": {"app": "other"}}}
SHUT = ["NetworkPolicy policy shuts out Pod client, which asks Service app"]
HERE = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "a"}}}
THERE = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "b"}}}


@pytest.mark.parametrize(
    ("ingress", "wanted"),
    [
        (peers(NEAR), []),
        (peers(OTHER), SHUT),
        (peers(OTHER, NEAR), []),
        (peers(NEAR, port=8000), []),
        (peers(NEAR, port=9000), SHUT),
        (peers(HERE), []),
        (peers(THERE), SHUT),
        (peers({**HERE, **OTHER}), SHUT),
        (peers({**HERE, **NEAR}), []),
        (peers({"podSelector": {}}), []),
        (peers({"ipBlock": {"cidr": "10.0.0.0/8"}}), []),
        ([{}], []),
        ([{"from": [NEAR], "ports": [{"port": 7000, "endPort": 9000}]}], []),
    ],
)
def test_who_is_let_in(ingress: Any, wanted: list[str]) -> None:
    assert messages(policy("app", policyTypes=["Ingress"], ingress=ingress), CLIENT, SERVER, SERVICE) == wanted


def test_policies_add_up() -> None:
    closed, open_ = (policy("app", policyTypes=["Ingress"], ingress=peers(one)) for one in (OTHER, NEAR))
    assert messages(closed, open_, CLIENT, SERVER, SERVICE) == []


def test_a_policy_that_lets_nobody_in_is_found_without_a_client() -> None:
    found = messages(policy("app", policyTypes=["Ingress"]), SERVER, SERVICE)
    assert found == ["NetworkPolicy policy lets nobody in to Pod app, which Service app forwards to"]
    assert messages(policy("app", policyTypes=["Ingress"]), SERVER) == []


@pytest.mark.parametrize(
    ("url", "namespace", "asks"),
    [
        ("http://app", "a", True),
        ("app", "a", True),
        ("app:80", "a", True),
        ("http://user@app/x", "a", True),
        ("http://app.a.svc.cluster.local:80", "b", True),
        ("http://app.a", "b", True),
        ("http://app", "b", False),
        ("http://app.b", "b", False),
        ("http://my-app", "a", False),
        ("http://app.example.com", "a", False),
        ("", "a", False),
    ],
)
def test_who_is_a_client(url: str, namespace: str, asks: bool) -> None:
    client = pod("client", namespace, url)
    found = messages(policy("app", policyTypes=["Ingress"], ingress=peers(OTHER)), client, SERVER, SERVICE)
    assert found == (SHUT if asks else [])


def test_a_client_that_is_not_let_out_or_may_not_ask_dns() -> None:
    to = [{"podSelector": {"matchLabels": {"app": "app"}}}]
    dns = {"ports": [{"port": 53, "protocol": "UDP"}]}

    def found(*egress: Any) -> list[str]:
        return messages(policy("client", policyTypes=["Egress"], egress=list(egress)), CLIENT, SERVER, SERVICE)

    assert found({"to": to}, dns) == []
    assert found({}) == []
    assert found(dns) == ["NetworkPolicy policy does not let Pod client out to Service app, which it asks"]
    assert found({"to": to, "ports": [{"port": 8000}]}) == [
        "NetworkPolicy policy does not let Pod client ask DNS for the name of Service app"
    ]


def test_the_platform_s_own_clients_are_known(tmp_path: Path) -> None:
    """MLflow asks PostgreSQL and the store; a policy for another client is found."""
    pytest.importorskip("helm_python", reason="helm-python-sdk is not installed (pip install -e .[platform])")
    pytest.importorskip("kubernetes_validate")
    from workflows.validation.charts import copied

    from slipway_workflows.validation.deployment import validate

    chart = copied(tmp_path, "platform")
    for name, service in (("postgresql", "postgresql"), ("s3", "s3")):
        file = chart / "templates" / f"{name}.yaml"
        before = file.read_text()
        file.write_text(before.replace("app.kubernetes.io/name: mlflow,", "app.kubernetes.io/name: mlflo,"))
        (found,) = validate([chart]).findings
        assert found.message == f"NetworkPolicy {name} shuts out Deployment mlflow, which asks Service {service}"
        assert (found.file, found.rule) == (str(file), "SD110 policy-shuts-out-client")
        file.write_text(before)
