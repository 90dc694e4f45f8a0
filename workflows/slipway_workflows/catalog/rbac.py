"""Service accounts and Roles: each step has a service account with only the verbs that it needs.

All Roles are for one namespace. There is no ClusterRole and no wildcard, and no account may read Secrets.
"""

from dataclasses import dataclass
from typing import Any

from slipway_steps.domain.environment import Environment
from slipway_steps.entry import STEPS
from slipway_workflows.catalog.parts import NAMESPACE
from slipway_workflows.step import service_account_of

BUILD_NAMESPACE = "slipway-build"
"""The namespace in which our own images are built; its pods cannot meet the `restricted` standard."""
BUILDER = "slipway-build-images"
PERF_NAMESPACE = "slipway-perf"
"""The namespace in which performance tests run pipelines."""
PIPELINE = "slipway-pipeline"
"""The service account of the pods of tested pipelines."""
APP = "model-app"
"""Name of the served application. At the installation another one may replace it (`app` of charts/slipway, or
`slipway_app` of the inventory)."""
ARGOCD = "argocd"
RBAC = "rbac.authorization.k8s.io"
DEPLOYING_STEPS = ("deploy", "promote", "hold", "revert", "initialize", "finish", "doctor")
"""Steps that change what an environment serves, or undo or repair an unfinished change."""
OBSERVING_STEPS = (*DEPLOYING_STEPS, "integration", "resources", "load", "report", "health")
"""Steps that read the pods of an environment."""


@dataclass(frozen=True)
class Grant:
    """A Role in one namespace and the service accounts that are bound to it.

    rules: API group, resources and verbs. why: for the table in docs/security.md. home: namespace of the accounts.
    names: the only objects that the rules allow; empty means all.
    """

    name: str
    namespace: str
    rules: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]
    accounts: tuple[str, ...]
    why: str
    home: str = NAMESPACE
    names: tuple[str, ...] = ()


def grants() -> list[Grant]:
    """All Roles of the installation with their service accounts."""
    found = [
        Grant(
            "slipway-report-results",
            NAMESPACE,
            (("argoproj.io", ("workflowtaskresults",), ("create", "patch")),),
            tuple(map(service_account_of, STEPS)),
            "Argo's executor reports a step's outputs",
        ),
        Grant(
            "slipway-see-workflows",
            NAMESPACE,
            (("argoproj.io", ("workflows",), ("get",)),),
            tuple(map(service_account_of, (*DEPLOYING_STEPS, "report"))),
            "whether the release that owns an environment still lives, and what the report is written from",
        ),
        Grant(
            "slipway-label-workflows",
            NAMESPACE,
            (("argoproj.io", ("workflows",), ("patch",)),),
            (service_account_of("finish"),),
            "labels the workflow with the model version and the environment it reached",
        ),
        Grant(
            "slipway-see-events",
            NAMESPACE,
            (("", ("events",), ("list",)),),
            (service_account_of("finish"),),
            "why no node took a pod of the release, for the message to people",
        ),
        Grant(
            "slipway-start-release",
            NAMESPACE,
            (("argoproj.io", ("workflows",), ("create",)),),
            ("slipway-sensor",),
            "the Sensor starts a release for a push",
        ),
        Grant(
            "slipway-set-image",
            ARGOCD,
            (("argoproj.io", ("applications",), ("get", "patch")),),
            tuple(map(service_account_of, DEPLOYING_STEPS)),
            "sets the image of an environment's Application and waits for its sync",
            names=tuple(f"{APP}-{environment}" for environment in Environment),
        ),
    ]
    found.append(
        Grant(
            "slipway-read-applications",
            ARGOCD,
            (("argoproj.io", ("applications",), ("get",)),),
            (service_account_of("report"), service_account_of("health")),
            "what the environments serve, for the report and the health check",
            names=tuple(f"{APP}-{environment}" for environment in Environment),
        )
    )
    found.append(
        Grant(
            "slipway-report-results",
            BUILD_NAMESPACE,
            (("argoproj.io", ("workflowtaskresults",), ("create", "patch")),),
            (BUILDER,),
            "Argo's executor reports what was pushed",
            BUILD_NAMESPACE,
        )
    )
    found += _of_performance_tests()
    for environment in Environment:
        found.append(
            Grant(
                "slipway-observe",
                f"{APP}-{environment}",
                (
                    ("", ("pods", "events"), ("get", "list")),
                    ("apps", ("deployments", "replicasets"), ("get", "list")),
                    ("metrics.k8s.io", ("pods",), ("get", "list")),
                ),
                tuple(map(service_account_of, OBSERVING_STEPS)),
                f"the pods of {environment}, their events and their usage",
            )
        )
    return found


def _of_performance_tests() -> list[Grant]:
    """What performance tests may do: in their own namespace alone. They change nothing: what has to end is deleted."""
    perf, made = (service_account_of("perf"),), ("workflows", "cronworkflows")
    return [
        Grant(
            "slipway-test-pipelines",
            PERF_NAMESPACE,
            (
                ("argoproj.io", made, ("create", "get", "list", "watch", "delete")),
                ("", ("pods", "events"), ("get", "list", "watch")),
                ("metrics.k8s.io", ("pods",), ("get", "list")),
            ),
            perf,
            "runs the pipelines of a performance test, measures their pods, and removes them",
        ),
        Grant(
            "slipway-report-results",
            PERF_NAMESPACE,
            (("argoproj.io", ("workflowtaskresults",), ("create", "patch")),),
            (PIPELINE,),
            "Argo's executor reports the outputs of tested pipelines",
            PERF_NAMESPACE,
        ),
    ]


def _object(kind: str, name: str, namespace: str, api: str = f"{RBAC}/v1", **more: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "labels": {"app.kubernetes.io/part-of": "slipway"}}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **more}


def build() -> list[dict[str, Any]]:
    """The manifests of all ServiceAccounts, Roles and RoleBindings."""
    names = [*map(service_account_of, STEPS), "slipway-events", "slipway-sensor"]
    found = [_object("ServiceAccount", name, NAMESPACE, "v1") for name in names]
    found.append(_object("ServiceAccount", BUILDER, BUILD_NAMESPACE, "v1"))
    found.append(_object("ServiceAccount", PIPELINE, PERF_NAMESPACE, "v1"))
    for grant in grants():
        only = {"resourceNames": [*grant.names]} if grant.names else {}
        rules = [
            {"apiGroups": [group], "resources": [*what], **only, "verbs": [*verbs]}
            for group, what, verbs in grant.rules
        ]
        subjects = [{"kind": "ServiceAccount", "name": name, "namespace": grant.home} for name in grant.accounts]
        role = {"apiGroup": RBAC, "kind": "Role", "name": grant.name}
        found.append(_object("Role", grant.name, grant.namespace, rules=rules))
        found.append(_object("RoleBinding", grant.name, grant.namespace, roleRef=role, subjects=subjects))
    return found


def table() -> str:
    """The grants as a Markdown table, which docs/security.md contains."""
    lines = ["| namespace | service accounts | may | on | why |", "|---|---|---|---|---|"]
    for grant in grants():
        for group, what, verbs in grant.rules:
            everyone = set(grant.accounts) == set(map(service_account_of, STEPS))
            who = "every step" if everyone else ", ".join(f"`{name}`" for name in grant.accounts)
            resources = ", ".join(f"`{one}.{group}`" if group else f"`{one}`" for one in what)
            resources += f" {', '.join(f'`{name}`' for name in grant.names)}" if grant.names else ""
            lines.append(f"| `{grant.namespace}` | {who} | {', '.join(verbs)} | {resources} | {grant.why} |")
    return "\n".join(lines) + "\n"
