from datetime import UTC, datetime
from typing import Any

from slipway_workflows.argo import StoredWorkflow
from slipway_workflows.validation.steps import doubled, missing, steps_of, unforeseen


def node(name: str, display: str, **more: Any) -> dict[str, Any]:
    found = {
        "id": name,
        "name": name,
        "displayName": display,
        "type": "Pod",
        "phase": "Succeeded",
        "boundaryID": "w",
        "startedAt": "2026-11-22T08:00:00Z",
        "finishedAt": "2026-11-22T08:00:02Z",
    }
    return found | more


def workflow(*nodes: dict[str, Any]) -> StoredWorkflow:
    root = node("w", "w", type="Steps", boundaryID="")
    return StoredWorkflow(
        {"metadata": {"name": "w"}, "status": {"phase": "Succeeded", "nodes": {n["id"]: n for n in (root, *nodes)}}}
    )


def test_a_step_counts_once_however_often_it_is_tried() -> None:
    retry = node("w.a", "a", type="Retry", children=["w.a(0)", "w.a(1)"])
    later = {"startedAt": "2026-11-22T08:00:05Z", "finishedAt": "2026-11-22T08:00:07Z"}
    tries = (node("w.a(0)", "a(0)", phase="Failed"), node("w.a(1)", "a(1)", **later))
    (step,) = steps_of(workflow(retry, *tries))
    assert (step.name, step.seconds, step.failed) == ("a", 7, False)
    (step,) = steps_of(workflow(retry | {"phase": "Failed"}, *tries))
    assert step.failed


def test_the_items_of_a_loop_are_one_step() -> None:
    (step,) = steps_of(workflow(node("w.a(0:x)", "a(0:x)"), node("w.a(1:y (2))", "a(1:y (2))", phase="Failed")))
    assert (step.name, step.failed, len(step.nodes)) == ("a", True, 2)


def test_what_did_not_end_ran_until_the_kill() -> None:
    open_end = {"phase": "Running", "finishedAt": None}
    nodes = (node("w.a", "a"), node("w.b(0:x)", "b(0:x)"), node("w.b(1:y)", "b(1:y)", **open_end))
    until = datetime(2026, 11, 22, 8, 0, 9, tzinfo=UTC).timestamp()
    first, second = steps_of(workflow(*nodes), until)
    assert (first.seconds, first.running) == (2, ())
    assert (second.seconds, [one.id for one in second.running]) == (9, ["w.b(1:y)"])


def test_what_never_began_is_no_step() -> None:
    nodes = (
        node("w.a", "a", phase="Skipped", type="Skipped"),
        node("w.b", "b", phase="Omitted"),
        node("w.c", "c", phase="Pending", startedAt=None),
    )
    assert steps_of(workflow(*nodes)) == []
    assert missing(["a", "b", "c"], []) == ["a", "b", "c"]


def test_missing_doubled_and_unforeseen_steps_are_told_apart() -> None:
    steps = steps_of(workflow(node("w.a", "a"), node("w.g.a", "a", boundaryID="g"), node("w.c", "c")))
    assert missing(["a", "b"], steps) == ["b"]
    assert doubled(["a", "b"], steps) == {"a": 2}
    assert unforeseen(["a", "b"], steps) == ["c"]
    # a step that is meant to run twice is named twice
    assert doubled(["a", "a"], steps) == {}
    assert missing(["a", "a", "a"], steps) == ["a"]


def test_the_exit_handler_surprises_nobody_but_can_be_expected() -> None:
    steps = steps_of(
        workflow(
            node("w.a", "a"), node("w.onExit", "w.onExit", boundaryID=""), node("o.f", "finish", boundaryID="w.onExit")
        )
    )
    assert unforeseen(["a"], steps) == []
    assert missing(["a", "finish"], steps) == []


def test_a_workflow_of_one_container_has_the_step_main() -> None:
    found = StoredWorkflow({"metadata": {"name": "w"}, "status": {"nodes": {"w": node("w", "w", boundaryID="")}}})
    assert [step.name for step in steps_of(found)] == ["main"]
