"""Trees that follow from the source of Argo's controller: loop items, dag targets, Retry nodes with hooks."""

from pathlib import Path
from typing import Any

import pytest
from engine_runs import Ran, call, dag, given, pod, steps

from slipway_steps.domain.errors import WorkflowInvalid

OK, BAD = pod("ok"), pod("bad", "exit 1")
RETRY = {"retryStrategy": {"limit": "1"}}
EXIT = {"hooks": {"exit": {"template": "ok"}}}


def hook(kind: str, name: str, phase: str) -> dict[str, Any]:
    return {"hooks": {"h": {"expression": f'{kind}["{name}"].status == "{phase}"', "template": "ok"}}}


@pytest.mark.parametrize(
    ("item", "label"),
    [
        ([1, 2], "[1 2]"),
        (["a b", "c"], "[a b c]"),
        ([[1, 2], {"k": "v"}, True, 1.5], '[[1,2] {"k":"v"} true 1.5]'),
        ([], "[]"),
        ("f(x)", "fx"),
        ({"b": "(1)", "a": [1, 2]}, "a:[1,2],b:1"),
    ],
)
@pytest.mark.parametrize("kind", ["steps", "dag"])
def test_the_name_of_a_loop_s_item(tmp_path: Path, kind: str, item: Any, label: str) -> None:
    loop = call("a", "ok", withItems=[item])
    ran = Ran(tmp_path, steps([loop]) if kind == "steps" else dag(loop), OK)
    assert f"wf{'[0]' if kind == 'steps' else ''}.a(0:{label})" in ran.nodes
    assert ran.status["phase"] == "Succeeded"


def targeted(target: str, *tasks: dict[str, Any]) -> list[dict[str, Any]]:
    inner = dag(*tasks, name="inner", target="{{inputs.parameters.t}}", inputs={"parameters": [{"name": "t"}]})
    return [steps([call("d", "inner", arguments=given(t=target))]), inner, OK, BAD]


@pytest.mark.parametrize(
    ("target", "ran_tasks", "phase"),
    [
        ("a", ["a"], "Succeeded"),
        ("b", ["a", "b"], "Succeeded"),
        ("a c", ["a", "c"], "Failed"),
        ("c", ["c"], "Failed"),
        ("", ["a", "b", "c"], "Failed"),
    ],
)
def test_a_dag_s_target_may_be_a_tag(tmp_path: Path, target: str, ran_tasks: list[str], phase: str) -> None:
    tasks = [call("a", "ok"), call("b", "ok", depends="a"), call("c", "bad")]
    ran = Ran(tmp_path, *targeted(target, *tasks))
    assert sorted(name[-1] for name in ran.nodes if ".d." in name) == ran_tasks
    assert (ran.nodes["wf[0].d"]["phase"], ran.status["phase"]) == (phase, phase)


@pytest.mark.parametrize("target", ["x", "a  b"])
def test_a_target_that_turns_out_to_be_no_task_ends_the_run(tmp_path: Path, target: str) -> None:
    """Argo's controller panics on such a target, which makes the workflow an Error."""
    bye = pod("bye")
    templates = targeted(target, call("a", "ok"), call("b", "ok"))
    ran = Ran(tmp_path, *templates, bye, onExit="bye")
    assert ran.phases() == {"": "Error", "[0]": "Error", "[0].d": "Error", ".onExit": "Succeeded"}
    assert ran.status["phase"] == "Error"
    assert "does not exist" in ran.status["message"]


@pytest.mark.parametrize("target", ["x", "a  b", "{{ inputs.parameters.t }}"])
def test_a_written_target_that_is_no_task_is_refused(tmp_path: Path, target: str) -> None:
    main = dag(call("a", "ok"), call("b", "ok"), target=target)
    with pytest.raises(WorkflowInvalid, match="is not defined"):
        Ran(tmp_path, main, OK)


def test_what_follows_a_retried_task_with_an_exit_hook_counts_for_the_dag(tmp_path: Path) -> None:
    """The exit hook is the last child of the Retry node, so the controller makes the next task a child of the hook."""
    ran = Ran(tmp_path, dag(call("a", "again", **EXIT), call("b", "bad", depends="a")), pod("again", **RETRY), OK, BAD)
    assert ran.children(".a") == [".a(0)", ".a.onExit"]
    assert ran.children(".a.onExit") == [".b"]
    assert (ran.nodes["wf.b"]["phase"], ran.status["phase"]) == ("Failed", "Failed")


def test_a_task_omitted_behind_a_hook_that_went_well_does_not_fail_the_dag(tmp_path: Path) -> None:
    again = pod("again", "exit 1", **RETRY)
    ran = Ran(tmp_path, dag(call("a", "again", **EXIT), call("b", "ok", depends="a")), again, OK)
    assert ran.children(".a") == [".a(0)", ".a(1)", ".a.onExit"]
    assert (ran.nodes["wf.a"]["phase"], ran.nodes["wf.b"]["phase"]) == ("Failed", "Omitted")
    assert ran.status["phase"] == "Succeeded"


def test_without_a_hook_it_does(tmp_path: Path) -> None:
    ran = Ran(tmp_path, dag(call("a", "again"), call("b", "ok", depends="a")), pod("again", "exit 1", **RETRY), OK)
    assert ran.children(".a(1)") == [".b"]
    assert ran.status["phase"] == "Failed"


@pytest.mark.parametrize("kind", ["steps", "dag"])
def test_a_step_after_a_failed_retried_one_sees_its_last_try(tmp_path: Path, kind: str) -> None:
    prefix = "steps" if kind == "steps" else "tasks"
    told = given(**{key: f"{{{{{prefix}.a.{key}}}}}" for key in ("id", "status", "exitCode")})
    first = call("a", "again", continueOn={"failed": True}, **EXIT)
    then = call("b", "tell", arguments=told)
    main = steps([first], [then]) if kind == "steps" else dag(first, {**then, "dependencies": ["a"]})
    tell = pod("tell", inputs={"parameters": [{"name": name} for name in ("id", "status", "exitCode")]})
    ran = Ran(tmp_path, main, pod("again", "exit 3", **RETRY), tell, OK)
    a, b = ("wf[0].a", "wf[1].b") if kind == "steps" else ("wf.a", "wf.b")
    values = {item["name"]: item["value"] for item in ran.nodes[b]["inputs"]["parameters"]}
    assert values == {"id": ran.nodes[f"{a}(1)"]["id"], "status": "Failed", "exitCode": "3"}
    assert ran.nodes[a]["outputs"]["exitCode"] == "3"


def test_a_try_whose_composite_has_no_output_ends_the_group(tmp_path: Path) -> None:
    """A missing output makes the try an Error: retryStrategy retries failures only, and `continueOn` has no effect."""
    output = {"parameters": [{"name": "v", "valueFrom": {"parameter": "{{steps.x.outputs.parameters.v}}"}}]}
    quiet = pod("quiet", outputs={"parameters": [{"name": "v", "valueFrom": {"path": "/tmp/none", "default": "d"}}]})
    skipped = call("x", "quiet2", when="1 == 2")
    quiet2 = {**quiet, "name": "quiet2", "outputs": {"parameters": [{"name": "v", "valueFrom": {"path": "/tmp/none"}}]}}
    inner = steps([skipped], name="inner", outputs=output, **RETRY)
    main = steps([call("a", "inner", continueOn={"failed": True, "error": True})], [call("b", "ok")])
    ran = Ran(tmp_path, main, inner, quiet2, OK)
    assert (ran.nodes["wf[0]"]["phase"], ran.status["phase"]) == ("Error", "Failed")
    assert ran.children("[0].a") == ["[0].a(0)"]
    assert "wf[1]" not in ran.nodes


def test_a_loop_of_pods_in_a_dag_runs_the_exit_hook_once_for_an_item_and_once_for_all(tmp_path: Path) -> None:
    main = dag(call("a", "ok", withItems=[1, 2, 3], **EXIT), call("b", "ok", depends="a"))
    ran = Ran(tmp_path, main, OK)
    assert sorted(name for name in ran.phases() if name.endswith("onExit")) == [".a(0:1).onExit", ".a.onExit"]
    assert ran.children(".a") == [".a(0:1)", ".a(1:2)", ".a(2:3)", ".a.onExit"]
    assert ran.children(".a.onExit") == [".b"]


def test_a_loop_of_retried_pods_in_a_dag_runs_it_for_each_item(tmp_path: Path) -> None:
    main = dag(call("a", "again", withItems=[1, 2], **EXIT), call("b", "ok", depends="a"))
    ran = Ran(tmp_path, main, pod("again", **RETRY), OK)
    for item in (".a(0:1)", ".a(1:2)"):
        assert ran.children(item) == [f"{item}(0)", f"{item}.onExit"]
        assert ran.children(f"{item}.onExit") == [".b"]
    assert ran.children(".a") == [".a(0:1)", ".a(1:2)", ".a.onExit"]


def test_a_running_hook_of_a_loop_in_a_dag_runs_for_the_loop_as_a_whole(tmp_path: Path) -> None:
    main = dag(call("a", "ok", withItems=[1, 2], **hook("tasks", "a", "Running")), call("b", "ok", depends="a"))
    ran = Ran(tmp_path, main, OK)
    assert ran.children(".a") == [".a(0:1)", ".a(1:2)", ".a.hooks.h"]
    assert ran.children(".a.hooks.h") == [".b"]
    assert ran.status["phase"] == "Succeeded"


def test_a_loop_whose_items_are_all_skipped_never_runs(tmp_path: Path) -> None:
    loop = call("a", "ok", withItems=[1, 2], when="{{item}} == 3", **hook("tasks", "a", "Running"))
    ran = Ran(tmp_path, dag(loop), OK)
    assert ran.children(".a") == [".a(0:1)", ".a(1:2)"]


@pytest.mark.parametrize(
    ("after", "fires"),
    [([], True), ([call("b", "ok", depends="a")], True), ([call("b", "ok", depends="a", when="1 == 2")], False)],
)
def test_a_hook_on_the_success_of_a_loop_needs_somebody_who_still_looks(
    tmp_path: Path, after: list[dict[str, Any]], fires: bool
) -> None:
    loop = call("a", "ok", withItems=[1, 2], **hook("tasks", "a", "Succeeded"))
    ran = Ran(tmp_path, dag(loop, *after), OK)
    assert ("wf.a.hooks.h" in ran.nodes) is fires
    assert ran.status["phase"] == "Succeeded"


@pytest.mark.parametrize(("phase", "told"), [("Running", "{{steps.a.status}}"), ("Succeeded", "Succeeded")])
def test_a_hook_that_runs_before_there_are_outputs_gets_its_arguments_as_written(
    tmp_path: Path, phase: str, told: str
) -> None:
    own = hook("steps", "a", phase)
    own["hooks"]["h"] |= {"template": "tell", "arguments": given(m="{{steps.a.status}}")}
    ran = Ran(tmp_path, steps([call("a", "ok", **own)]), OK, pod("tell", inputs={"parameters": [{"name": "m"}]}))
    assert ran.nodes["wf[0].a.hooks.h"]["inputs"]["parameters"][0]["value"] == told


@pytest.mark.parametrize(
    ("loop", "depends", "runs"),
    [
        (call("a", "bad", withItems=[1, 2]), "a.AllFailed", True),
        (call("a", "bad", withItems=[1, 2], **EXIT), "a.AllFailed", False),
        (call("a", "bad", withItems=[1, 2]), "a.AnySucceeded", False),
        (call("a", "bad", withItems=[1, 2], **EXIT), "a.AnySucceeded", True),
        (call("a", "late", withItems=[1, 2]), "a.AllFailed", False),
    ],
)
def test_hooks_of_a_loop_count_among_its_items(tmp_path: Path, loop: dict[str, Any], depends: str, runs: bool) -> None:
    """The controller counts hooks as items, and does not count an item whose phase is Error as failed."""
    ran = Ran(tmp_path, dag(loop, call("b", "ok", depends=depends)), OK, BAD, pod("late", timeout="1s"))
    assert (ran.nodes["wf.b"]["phase"] == "Succeeded") is runs


@pytest.mark.parametrize("kind", ["steps", "dag"])
@pytest.mark.parametrize(("when", "phase"), [("1 == 2", "Skipped"), ("1 == 1", "Error"), ("x ==", "Error")])
def test_a_loop_over_what_is_no_list_is_fine_where_it_does_not_run(
    tmp_path: Path, kind: str, when: str, phase: str
) -> None:
    loop = call("a", "ok", withParam="no list", when=when)
    ran = Ran(tmp_path, steps([loop]) if kind == "steps" else dag(loop), OK)
    found = ran.nodes.get("wf[0].a") or ran.nodes.get("wf.a") or ran.nodes["wf[0]"]
    assert found["phase"] == phase


def test_in_a_dag_what_follows_a_retried_task_begins_before_its_hook(tmp_path: Path) -> None:
    main = dag(call("a", "again", **hook("tasks", "a", "Succeeded")), call("b", "ok", depends="a"))
    ran = Ran(tmp_path, main, pod("again", **RETRY), OK)
    assert ran.children(".a") == [".a(0)", ".a.hooks.h"]
    assert (ran.children(".a(0)"), ran.children(".a.hooks.h")) == ([".b"], [])


def test_in_a_dag_with_an_exit_hook_it_begins_after_both(tmp_path: Path) -> None:
    own = {"hooks": {**EXIT["hooks"], **hook("tasks", "a", "Succeeded")["hooks"]}}
    ran = Ran(tmp_path, dag(call("a", "again", **own), call("b", "ok", depends="a")), pod("again", **RETRY), OK)
    assert ran.children(".a") == [".a(0)", ".a.hooks.h", ".a.onExit"]
    assert ran.children(".a.hooks.h") == [".b"]


def test_in_steps_it_begins_after_the_hook(tmp_path: Path) -> None:
    main = steps([call("a", "again", **hook("steps", "a", "Succeeded"))], [call("b", "ok")])
    ran = Ran(tmp_path, main, pod("again", **RETRY), OK)
    assert ran.children("[0].a") == ["[0].a(0)", "[0].a.hooks.h"]
    assert ran.children("[0].a.hooks.h") == ["[1]"]


def test_a_hook_of_a_pod_in_a_dag_is_awaited(tmp_path: Path) -> None:
    main = dag(call("a", "ok", **hook("tasks", "a", "Succeeded")), call("b", "ok", depends="a", when="1 == 2"))
    ran = Ran(tmp_path, main, OK)
    assert ran.children(".a") == [".a.hooks.h", ".b"]
