"""Workflows that are refused before anything runs, with the path of the wrong field in the message."""

from pathlib import Path
from typing import Any

import pytest

from slipway_steps.domain.errors import BadInput, WorkflowInvalid
from slipway_workflows import engine


def prepare(tmp_path: Path, *templates: dict[str, Any], given: dict[str, str] | None = None, **spec: Any) -> engine.Run:
    manifest = {
        "kind": "Workflow",
        "metadata": {"name": "wf"},
        "spec": {"entrypoint": "main", "templates": list(templates), **spec},
    }
    return engine.prepare(engine.Library(), manifest, given or {}, engine.Options(home=tmp_path))


def pod(name: str = "ok", **more: Any) -> dict[str, Any]:
    return {"name": name, "container": {"image": "busybox", "command": ["true"], **more}}


def steps(*names: dict[str, Any]) -> dict[str, Any]:
    return {"name": "main", "steps": [[{"template": "ok", **step}] for step in names]}


def dag(*tasks: dict[str, Any]) -> dict[str, Any]:
    return {"name": "main", "dag": {"tasks": [{"template": "ok", **task} for task in tasks]}}


def argument(value: Any) -> dict[str, Any]:
    return {"parameters": [{"name": "v", "value": value}]}


@pytest.mark.parametrize(
    ("main", "said"),
    [
        (steps({"name": "a", "arguments": argument("{{steps.a.outputs.result}}")}), "{{steps.a.outputs.result}}"),
        (steps({"name": "a"}, {"name": "b", "when": "{{steps.c.status}} == x"}), "{{steps.c.status}}"),
        (
            steps({"name": "a"}, {"name": "b", "arguments": argument("{{steps.a.outputs.parameters.no}}")}),
            "parameters.no",
        ),
        (steps({"name": "a", "arguments": argument("{{item.x}}")}), "{{item.x}}"),
        (steps({"name": "a", "arguments": argument("{{workflow.parameters.no}}")}), "workflow.parameters.no"),
        (steps({"name": "a", "arguments": argument("{{workflow.status}}")}), "{{workflow.status}}"),
        (steps({"name": "a", "arguments": argument("{{workflow.outputs.parameters.no}}")}), "outputs.parameters.no"),
        (steps({"name": "a", "arguments": argument("{{inputs.parameters.no}}")}), "inputs.parameters.no"),
        (dag({"name": "a"}, {"name": "b", "arguments": argument("{{tasks.a.status}}")}), "{{tasks.a.status}}"),
        (dag({"name": "a", "depends": "b"}, {"name": "b", "depends": "a"}), "cycle"),
        (dag({"name": "a", "depends": "a.Success"}), "Success"),
        (dag({"name": "a", "depends": "b", "dependencies": ["b"]}, {"name": "b"}), "cannot both"),
        (steps({"name": "a", "hooks": {"exit": {"template": "no"}}}), "hooks.exit"),
        (steps({"name": "a", "when": "{{ == x"}), "Cannot find end tag"),
        (dag({"name": "a", "when": "{{workflow.name == x"}), "Cannot find end tag"),
        (dag({"name": "a", "depends": "{{"}), "Cannot find end tag"),
        (pod("main", args=["{{workflow.name"]), "failed to resolve {{workflow.name"),
        (steps({"name": "a", "withParameters": []}), "withParameters"),
        (steps({"name": "a", "inline": pod()}), "one of template, templateRef and inline"),
        (steps({"name": "a"}) | {"timeout": "3s"}, "main.timeout"),
        (pod("main", envFrom=[{"secretRef": {"name": "s"}}]), "secretRef"),
        (pod("main") | {"volumes": [{"name": "v", "secret": {"secretName": "s"}}]}, "volumes.v: there are no Secrets"),
        (pod("main") | {"volumes": [{"name": "v", "configMap": {"name": "s"}}]}, "volumes.v: there are no ConfigMaps"),
        (pod("main", env=[{"name": "A", "valueFrom": {"secretKeyRef": {}}}]), "secretKeyRef"),
        ({"name": "main", "resource": {"action": "create"}}, "main.resource"),
    ],
)
def test_it_is_named(tmp_path: Path, main: dict[str, Any], said: str) -> None:
    with pytest.raises(WorkflowInvalid) as caught:
        prepare(tmp_path, main, pod())
    assert said in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(WorkflowInvalid, match=r"(?s)redis.*memoize"):
        prepare(
            tmp_path,
            steps({"name": "a", "template": "x"}, {"name": "b"}),
            pod("x", image="redis"),
            pod() | {"memoize": {}},
        )


def test_what_cannot_be_reached_is_not_looked_at(tmp_path: Path) -> None:
    prepare(tmp_path, pod("main"), {"name": "other", "resource": {}})


@pytest.mark.parametrize(
    "main",
    [
        steps({"name": "a", "withItems": [1], "arguments": argument("{{item}} {{workflow.name}} {{pod.name}}")}),
        steps({"name": "a"}, {"name": "b", "arguments": argument("{{steps.a.status}} {{steps.a.outputs.result}}")}),
        steps({"name": "a", "hooks": {"exit": {"template": "ok", "arguments": argument("{{steps.a.status}}")}}}),
        dag(
            {"name": "a"},
            {"name": "b", "depends": "a.Failed"},
            {"name": "c", "depends": "b", "when": "{{tasks.a.status}} == x"},
        ),
        steps({"name": "a", "template": "{{workflow.parameters.t}}"}),
        # what does not begin with a name of Argo is the program's own
        pod("main", args=["{{foo}} {{ .Values.x }} {{item}}"]),
        # Argo's JSON of these ends with braces, which end the tag too
        pod("main", args=["{{"]),
        {"name": "main", "script": {"image": "busybox", "command": ["sh"], "source": "echo {{"}},
        pod("main") | {"volumes": [{"name": "v", "secret": {"secretName": "s", "optional": True}}]},
        pod("main") | {"volumes": [{"name": "v", "configMap": {"name": "s", "optional": True}}]},
        steps({"name": "a", "when": "{{ == x", "continueOn": {"failed": True}}),
    ],
)
def test_what_can_be_resolved_is_not_refused(tmp_path: Path, main: dict[str, Any]) -> None:
    prepare(tmp_path, main, pod(), arguments={"parameters": [{"name": "t", "value": "ok"}]})


def test_arguments_of_a_workflow(tmp_path: Path) -> None:
    declared = {"parameters": [{"name": "a"}, {"name": "b", "value": "2"}]}
    with pytest.raises(WorkflowInvalid, match=r"arguments\.a\.value"):
        prepare(tmp_path, pod("main"), arguments=declared)
    with pytest.raises(BadInput, match="known: a, b"):
        prepare(tmp_path, pod("main"), given={"c": "1"}, arguments=declared)
    with pytest.raises(WorkflowInvalid, match="must be a string"):
        prepare(tmp_path, pod("main"), arguments={"parameters": [{"name": "a", "value": 1}]})
    run = prepare(tmp_path, pod("main"), given={"a": "1"}, arguments=declared)
    assert [(p["name"], p["value"]) for p in run.spec["arguments"]["parameters"]] == [("a", "1"), ("b", "2")]
