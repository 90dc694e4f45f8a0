"""The objects of Argo Events that start a release when somebody pushes to main."""

import json
from typing import Any

from workflows.catalog.generated import ALL, document

from slipway_steps.settings import PROJECT_ROOT


def test_what_starts_a_release_by_itself_takes_its_lock() -> None:
    """The release lock is the spec's: it counts for workflowTemplateRef, not for a nested templateRef."""
    cron = document("cron-train")["spec"]
    assert cron["workflowSpec"]["workflowTemplateRef"] == {"name": "release-model"}
    assert (cron["schedules"], cron["concurrencyPolicy"]) == (["0 2 * * *"], "Forbid")
    workflow = sensor_workflow()
    assert workflow["spec"]["workflowTemplateRef"] == {"name": "release-model"}
    assert document("release-model")["spec"]["synchronization"]["mutexes"] == [{"name": "release-staging"}]


def sensor_workflow() -> dict[str, Any]:
    (trigger,) = document("sensor-release-on-push")["spec"]["triggers"]
    found: dict[str, Any] = trigger["template"]["k8s"]["source"]["resource"]
    return found


def at(value: Any, path: str) -> Any:
    """A dotted path as Argo Events reads it."""
    for part in path.split("."):
        value = value[int(part)] if isinstance(value, list) else value.get(part, "")
    return value


def passes(event: dict[str, Any]) -> bool:
    (dependency,) = document("sensor-release-on-push")["spec"]["dependencies"]
    return all(str(at(event, f["path"])).lower() in f["value"] for f in dependency["filters"]["data"])


def push(**body: Any) -> dict[str, Any]:
    payload = json.loads((PROJECT_ROOT / "docs" / "github-push.json").read_text())
    return {"headers": {"X-Github-Event": ["push"]}, "body": payload | body}


def test_only_a_push_to_main_starts_a_release() -> None:
    assert passes(push())
    assert not passes(push(ref="refs/heads/feature"))
    assert not passes(push(deleted=True))
    assert not passes(push() | {"headers": {"X-Github-Event": ["ping"]}})


def test_the_release_is_named_after_the_commit_and_gets_it() -> None:
    (trigger,) = document("sensor-release-on-push")["spec"]["triggers"]
    name, revision = trigger["template"]["k8s"]["parameters"]
    commit = at(push(), name["src"]["dataKey"])
    assert (name["dest"], name["operation"]) == ("metadata.name", "append")
    assert len(sensor_workflow()["metadata"]["name"] + commit) <= 63
    assert revision["dest"] == "spec.arguments.parameters.0.value"
    assert sensor_workflow()["spec"]["arguments"]["parameters"][0]["name"] == "revision"
    assert any(p["name"] == "revision" for p in document("release-model")["spec"]["arguments"]["parameters"])


def test_pods_of_argo_events_are_restricted_too() -> None:
    """The namespace refuses any other, and Argo Events sets nothing by itself."""
    pods = [one["spec"]["template"] for one in ALL if one["kind"] in ("EventSource", "Sensor")]
    bus = next(one for one in ALL if one["kind"] == "EventBus")["spec"]["jetstream"]
    contexts = [pod["container"]["securityContext"] for pod in pods]
    contexts += [bus[f"{name}ontainerTemplate"]["securityContext"] for name in ("c", "metricsC", "reloaderC")]
    for pod in (*pods, bus):
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for context in contexts:
        assert not context["allowPrivilegeEscalation"]
        assert context["capabilities"] == {"drop": ["ALL"]}
