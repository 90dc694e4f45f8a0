"""One rule of retry: what it keeps, and that the local engine and a cluster both keep exactly that."""

import os
from pathlib import Path
from typing import Any

import pytest

from slipway_workflows import engine
from slipway_workflows.argo import StoredWorkflow
from slipway_workflows.argo.retry_rule import nodes_to_run_again
from slipway_workflows.cluster.retry import retried

Template = dict[str, Any]


def step(name: str, template: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "template": template, **more}


def steps(name: str, *groups: list[dict[str, Any]], **more: Any) -> Template:
    return {"name": name, "steps": list(groups), **more}


def dag(name: str, *tasks: dict[str, Any]) -> Template:
    return {"name": name, "dag": {"tasks": list(tasks)}}


def program(name: str, script: str, **more: Any) -> Template:
    return {"name": name, "container": {"image": "slipway/steps:0", "command": ["sh", "-c", script]}, **more}


GOOD = program("good", "true")
BAD = program("bad", "exit {{workflow.parameters.code}}")
SOFT = {"continueOn": {"failed": True}}
NO_OUTPUT = {"outputs": {"parameters": [{"name": "x", "valueFrom": {"expression": "asInt('x')"}}]}}
ITEM = {"arguments": {"parameters": [{"name": "code", "value": "{{item}}"}]}}

CASES: dict[str, tuple[list[Template], dict[str, Any], set[str]]] = {
    "what succeeded beside and before a failed step is kept": (
        [steps("main", [step("a", "good")], [step("b", "bad"), step("c", "good")], [step("d", "good")])],
        {},
        {"wf[1].b"},
    ),
    "a revert that ran because of a failed step runs again": (
        [
            dag(
                "main",
                step("before", "good"),
                step("deploy", "bad", depends="before"),
                step("revert", "good", depends="deploy.Failed"),
                step("beside", "good"),
                step("last", "bad", depends="revert"),
            )
        ],
        {},
        {"wf.deploy", "wf.revert", "wf.last"},
    ),
    "a failed step is forgiven inside a template that succeeded": (
        [steps("main", [step("a", "inner")], [step("b", "bad")]), steps("inner", [step("soft", "fails", **SOFT)])],
        {},
        {"wf[1].b"},
    ),
    "a failed step beside others runs again, though they went on": (
        [steps("main", [step("soft", "fails", **SOFT)], [step("b", "good")], [step("c", "bad")])],
        {},
        {"wf[0].soft", "wf[1].b", "wf[2].c"},
    ),
    "a Retry node that succeeded keeps its attempts": (
        [
            steps("main", [step("f", "flaky")], [step("b", "bad")]),
            program("flaky", "test {{retries}} = 1", retryStrategy={"limit": "3"}),
        ],
        {},
        {"wf[1].b"},
    ),
    "all attempts of a Retry node that failed run again, with all inside them": (
        [
            steps("main", [step("a", "good"), step("f", "tried")]),
            steps("tried", [step("x", "good")], [step("y", "bad")], retryStrategy={"limit": "1"}),
        ],
        {},
        {"wf[0].f(0)[0].x", "wf[0].f(0)[1].y", "wf[0].f(1)[0].x", "wf[0].f(1)[1].y"},
    ),
    "an item of a loop that succeeded is kept": (
        [
            dag(
                "main", step("each", "item", withItems=["0", "1"], **ITEM), step("after", "bad", depends="each.Failed")
            ),
            program("item", "exit {{inputs.parameters.code}}", inputs={"parameters": [{"name": "code"}]}),
        ],
        {},
        {"wf.each(1:1)", "wf.after"},
    ),
    "exit handler and hooks of the workflow run again": (
        [steps("main", [step("a", "good")], [step("b", "bad")])],
        {"onExit": "good", "hooks": {"failed": {"template": "good", "expression": 'workflow.status == "Failed"'}}},
        {"wf[1].b", "wf.onExit", "wf.hooks.failed"},
    ),
    "the exit hook of a kept step is kept": (
        [steps("main", [step("a", "good", hooks={"exit": {"template": "good"}})], [step("b", "bad")])],
        {},
        {"wf[1].b"},
    ),
    "what succeeded inside a group that failed by itself is kept, what came after it is not": (
        [
            dag("main", step("broken", "inner"), step("after", "bad", depends="broken.Failed || broken.Errored")),
            steps("inner", [step("a", "good")], **NO_OUTPUT),
        ],
        {},
        {"wf.after"},
    ),
    "an exit handler that failed runs again, and nothing else": (
        [steps("main", [step("a", "good")], [step("soft", "fails", **SOFT)])],
        {"onExit": "bad"},
        {"wf.onExit"},
    ),
    "a workflow of one program runs again": ([program("main", "exit {{workflow.parameters.code}}")], {}, {"wf"}),
}


def pods(workflow: StoredWorkflow) -> dict[str, Any]:
    return {node.name: node.started for node in workflow.pods}


@pytest.mark.parametrize("case", CASES)
def test_engine_and_cluster_keep_what_the_rule_keeps(tmp_path: Path, case: str) -> None:
    templates, spec, anew = CASES[case]
    arguments = {"parameters": [{"name": "code", "value": "1"}]}
    every = [*templates, GOOD, BAD, program("fails", "exit 1")]
    spec = {"entrypoint": "main", "arguments": arguments, "templates": every, **spec}
    manifest = {"kind": "Workflow", "metadata": {"name": "wf"}, "spec": spec}
    options = engine.Options(tmp_path, {"PATH": os.environ["PATH"]})
    before = StoredWorkflow(engine.prepare(engine.Library(), manifest, {}, options).execute())
    assert before.phase.failed
    assert {before.nodes[key].name for key in nodes_to_run_again(before)} & set(pods(before)) == anew

    changed, gone = retried(before, {})
    assert gone == nodes_to_run_again(before)
    left = StoredWorkflow(changed)
    assert pods(left) == {name: started for name, started in pods(before).items() if name not in anew}
    known = set(left.nodes)
    assert all({*node.children, *node.outbound} <= known for node in left.nodes.values())

    after = StoredWorkflow(engine.prepare_retry(tmp_path, "wf", {"code": "0"}, options).execute())
    kept = {name for name, started in pods(before).items() if pods(after).get(name) == started}
    assert kept == set(pods(left))
    assert after.metadata["creationTimestamp"] == before.metadata["creationTimestamp"]
