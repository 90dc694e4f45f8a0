"""A template's timeout, as Argo's controller has it: it counts from the start of the node, waiting included."""

from pathlib import Path
from typing import Any

import pytest
from engine_runs import Ran, call, dag, pod, steps

TOLERANT = {"continueOn": {"failed": True, "error": True}}


@pytest.mark.parametrize("timeout", ["500ms", "1s", "2s"])
def test_a_pod_that_its_timeout_leaves_no_time_is_not_started(tmp_path: Path, timeout: str) -> None:
    """The step group is in error whatever `continueOn` says, and no later step runs."""
    main = steps([call("a", "work", **TOLERANT), call("b", "ok")], [call("c", "ok")])
    ran = Ran(tmp_path, main, pod("work", timeout=timeout), pod("ok"))
    assert ran.phases() == {"": "Failed", "[0]": "Error", "[0].a": "Error", "[0].b": "Succeeded"}
    assert "wf[0].a exceeded its deadline" in ran.nodes["wf[0].a"]["message"]
    assert "outputs" not in ran.nodes["wf[0].a"]


def test_in_a_dag_what_depends_on_it_may_go_on(tmp_path: Path) -> None:
    main = dag(call("a", "work", **TOLERANT), call("b", "ok", dependencies=["a"]), call("c", "ok", depends="a.Failed"))
    ran = Ran(tmp_path, main, pod("work", timeout="1s"), pod("ok"))
    assert ran.phases() == {"": "Error", ".a": "Error", ".b": "Succeeded", ".c": "Omitted"}


@pytest.mark.parametrize(("policy", "tries"), [("OnFailure", 1), ("Always", 2), ("OnError", 2)])
def test_a_try_that_cannot_start_is_repeated_only_where_errors_are(tmp_path: Path, policy: str, tries: int) -> None:
    retry = {"limit": "1", "retryPolicy": policy}
    main = steps([call("a", "work", **TOLERANT)], [call("b", "ok")])
    ran = Ran(tmp_path, main, pod("work", timeout="1s", retryStrategy=retry), pod("ok"))
    goes_on = tries == 2
    assert ran.children("[0].a") == [f"[0].a({n})" for n in range(tries)]
    assert ran.nodes["wf[0].a"]["phase"] == "Error"
    assert ran.nodes["wf[0]"]["phase"] == ("Succeeded" if goes_on else "Error")
    assert ("wf[1].b" in ran.nodes) is goes_on


def test_a_program_is_ended_at_its_timeout_and_continue_on_holds(tmp_path: Path) -> None:
    main = steps([call("a", "work", **TOLERANT)], [call("b", "ok")])
    ran = Ran(tmp_path, main, pod("work", "sleep 60", timeout="3500ms", activeDeadlineSeconds=60), pod("ok"))
    assert ran.phases() == {
        "": "Succeeded",
        "[0]": "Succeeded",
        "[0].a": "Failed",
        "[1]": "Succeeded",
        "[1].b": "Succeeded",
    }
    assert ran.nodes["wf[0].a"]["outputs"]["exitCode"] == "143"


LOCK = {"synchronization": {"mutexes": [{"name": "one"}]}}


@pytest.mark.parametrize("retry", [{}, {"retryStrategy": {"limit": "2", "retryPolicy": "Always"}}])
def test_waiting_for_a_lock_counts_and_fails_the_group_for_good(tmp_path: Path, retry: dict[str, Any]) -> None:
    main = steps([call("hold"), call("a", "work", **TOLERANT)], [call("b", "ok")])
    ran = Ran(tmp_path, main, pod("hold", "sleep 2", **LOCK), pod("work", timeout="1s", **LOCK, **retry), pod("ok"))
    assert ran.phases() == {"": "Failed", "[0]": "Failed", "[0].hold": "Succeeded", "[0].a": "Failed"}
    assert [ran.nodes[name]["message"] for name in ("wf[0].a", "wf[0]", "wf")] == ["timeout"] * 3


def test_in_a_dag_a_lock_that_came_too_late_is_a_failed_task(tmp_path: Path) -> None:
    main = dag(
        call("hold"),
        call("first", "ok"),
        call("a", "work", depends="first", hooks={"exit": {"template": "ok"}}),
        call("b", "ok", depends="a.Failed"),
    )
    ran = Ran(tmp_path, main, pod("hold", "sleep 2", **LOCK), pod("work", timeout="1s", **LOCK), pod("ok"))
    assert ran.nodes["wf.a"]["phase"] == "Failed"
    assert ran.nodes["wf.a"]["message"] == "timeout"
    assert ran.children(".a") == [".a.onExit", ".b"]
    assert ran.nodes["wf.b"]["phase"] == "Succeeded"


def test_waiting_for_its_turn_does_not_count(tmp_path: Path) -> None:
    main = steps([call("first"), call("a", "work")])
    ran = Ran(tmp_path, main, pod("first", "sleep 2"), pod("work", timeout="3500ms"), parallelism=1)
    assert ran.status["phase"] == "Succeeded", ran.status


def test_a_timeout_does_not_end_a_suspended_node(tmp_path: Path) -> None:
    ran = Ran(tmp_path, {"name": "main", "suspend": {"duration": "1"}, "timeout": "100ms"})
    assert ran.phases() == {"": "Succeeded"}
