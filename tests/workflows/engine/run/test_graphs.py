"""Loops, hooks, artifacts, deadlines and the end of a workflow, on real processes."""

import itertools
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from slipway_steps.domain.errors import BadInput, Refused
from slipway_workflows import engine
from slipway_workflows.engine.state.store import runs_of


def pod(name: str, script: str = "true", **more: Any) -> dict[str, Any]:
    return {"name": name, "container": {"image": "busybox:1", "command": ["sh", "-c"], "args": [script]}, **more}


def begin(home: Path, *templates: dict[str, Any], name: str = "wf", **spec: Any) -> engine.Run:
    manifest = {
        "kind": "Workflow",
        "metadata": {"name": name},
        "spec": {"entrypoint": "main", "templates": list(templates), **spec},
    }
    return engine.prepare(engine.Library(), manifest, {}, engine.Options(home=home))


def nodes(workflow: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {node["name"]: node for node in workflow["status"]["nodes"].values()}


def test_artifacts_are_files_and_directories(tmp_path: Path) -> None:
    make = pod("make", "mkdir -p /mnt/d/e; echo 1 > /mnt/d/e/f; echo 2 > /tmp/g")
    make["outputs"] = {"artifacts": [{"name": "d", "path": "/mnt/d"}, {"name": "g", "path": "/tmp/g"}]}
    read = pod("read", "cat /in/d/e/f /in/g > /tmp/v; echo changed > /in/g")
    read["inputs"] = {"artifacts": [{"name": "d", "path": "/in/d"}, {"name": "g", "path": "/in/g"}]}
    read["outputs"] = {"parameters": [{"name": "v", "valueFrom": {"path": "/tmp/v"}}]}
    given = [{"name": n, "from": f"{{{{steps.make.outputs.artifacts.{n}}}}}"} for n in "dg"]
    call = {"template": "read", "arguments": {"artifacts": given}}
    main = {
        "name": "main",
        "steps": [[{"name": "make", "template": "make"}], [{"name": "a", **call}], [{"name": "b", **call}]],
    }
    found = nodes(begin(tmp_path, main, make, read).execute())
    for name in ("wf[1].a", "wf[2].b"):
        assert found[name]["outputs"]["parameters"][0]["value"] == "1\n2"
    assert not (runs_of(tmp_path) / "wf" / "work").exists()


def test_a_workflow_s_deadline_ends_it_and_the_exit_handler_runs(tmp_path: Path) -> None:
    began = time.monotonic()
    workflow = begin(
        tmp_path,
        pod("main", "sleep 60"),
        pod("bye", "echo {{workflow.status}}"),
        activeDeadlineSeconds=1,
        onExit="bye",
    ).execute()
    assert time.monotonic() - began < 40, "not the 60 s that it sleeps"
    assert workflow["status"]["phase"] == "Failed"
    assert nodes(workflow)["wf.onExit"]["phase"] == "Succeeded"
    log = runs_of(tmp_path) / "wf" / "logs" / f"{nodes(workflow)['wf.onExit']['id']}.log"
    assert log.read_text() == "Failed\n"


def test_a_second_stop_ends_the_exit_handler_too(tmp_path: Path) -> None:
    run = begin(tmp_path, pod("main", "trap '' TERM; sleep 60"), pod("bye", "trap '' TERM; sleep 60"), onExit="bye")
    started = threading.Event()
    done: list[dict[str, Any]] = []
    thread = threading.Thread(target=lambda: done.append(run.execute(lambda event: started.set())))
    thread.start()
    started.wait(10)
    time.sleep(0.3)
    began = time.monotonic()
    run.stop()
    time.sleep(0.3)
    run.stop()
    thread.join(20)
    assert time.monotonic() - began < 40, "SIGTERM is ignored here; the second stop does not wait"
    assert done[0]["status"]["phase"] == "Failed"


def test_a_waiting_workflow_is_pending_and_can_be_stopped(tmp_path: Path) -> None:
    mutex = {"synchronization": {"mutexes": [{"name": "one"}]}}
    first = threading.Thread(target=begin(tmp_path, pod("main", "sleep 2"), name="first", **mutex).execute)
    first.start()
    time.sleep(0.5)
    second, heard = begin(tmp_path, pod("main"), name="second", **mutex), []
    threading.Timer(0.5, second.stop).start()
    workflow = second.execute(heard.append)
    assert (heard[0].phase, heard[0].message) == ("Pending", "Waiting for default/Mutex/one lock. Lock status: 0/1")
    assert (workflow["status"]["phase"], workflow["status"].get("nodes")) == ("Failed", {})
    first.join()


def test_a_retried_step_waits_its_backoff_and_a_stop_cuts_it_short(tmp_path: Path) -> None:
    retry = {"retryStrategy": {"limit": "5", "backoff": {"duration": "60"}}}
    run = begin(tmp_path, pod("main", "exit 1", **retry))
    threading.Timer(0.5, run.stop).start()
    began = time.monotonic()
    workflow = run.execute()
    assert time.monotonic() - began < 40, "not the 60 s of its backoff"
    assert workflow["status"]["phase"] == "Failed"


def test_template_parallelism_holds_for_children_only(tmp_path: Path) -> None:
    inner = {"name": "inner", "steps": [[{"name": "x", "template": "ok"}]]}
    loop = {"name": "main", "parallelism": 1, "steps": [[{"name": "a", "template": "inner", "withItems": [1, 2, 3]}]]}
    workflow = begin(tmp_path, loop, inner, pod("ok")).execute()
    found = nodes(workflow)
    spans = sorted(
        (found[f"wf[0].a({n}:{n + 1})"]["startedAt"], found[f"wf[0].a({n}:{n + 1})"]["finishedAt"]) for n in range(3)
    )
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))


def test_what_a_suspended_node_asks_for_is_given_or_refused(tmp_path: Path) -> None:
    ask = {
        "name": "ask",
        "suspend": {},
        "outputs": {"parameters": [{"name": "decision", "valueFrom": {"supplied": {}, "default": "reject"}}]},
    }
    run = begin(tmp_path, {"name": "main", "steps": [[{"name": "ask", "template": "ask"}]]}, ask)
    done: list[dict[str, Any]] = []
    thread = threading.Thread(target=lambda: done.append(run.execute()))
    with pytest.raises(Refused, match="no workflow wf"):
        engine.resume(tmp_path, "wf", {})
    thread.start()
    while not engine.waiting_runs(tmp_path):
        time.sleep(0.02)
    (waiting,) = engine.waiting_runs(tmp_path)
    assert [(node.display_name, node.asks_for) for node in waiting.workflow.waiting] == [("ask", ["decision"])]
    (stored,) = engine.stored_runs(tmp_path)
    assert (stored.name, stored.workflow.phase, stored.alive, stored.died) == ("wf", "Running", True, False)
    with pytest.raises(Refused, match="asks for: decision"):
        engine.resume(tmp_path, "wf", {"ask": {"banana": "yes"}})
    with pytest.raises(Refused, match="node other"):
        engine.resume(tmp_path, "wf", {"other": {}})
    engine.resume(tmp_path, "wf", {"ask": {"decision": "approve"}})
    thread.join(5)
    assert nodes(done[0])["wf[0].ask"]["outputs"]["parameters"][0]["value"] == "approve"
    with pytest.raises(Refused, match="does not run any more"):
        engine.resume(tmp_path, "wf", {})


def test_an_unwritable_home_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be written"):
        begin(tmp_path / "file", pod("main")).execute()


def test_a_recursion_without_end_is_an_error(tmp_path: Path) -> None:
    workflow = begin(tmp_path, {"name": "main", "steps": [[{"name": "a", "template": "main"}]]}).execute()
    assert workflow["status"]["phase"] == "Failed"
    assert any("maximum recursion depth" in node.get("message", "") for node in workflow["status"]["nodes"].values())


def test_results_of_a_loop_come_in_the_order_of_its_items(tmp_path: Path) -> None:
    say = pod("say", "sleep 0.$N; echo $N", inputs={"parameters": [{"name": "n"}]})
    say["container"]["env"] = [{"name": "N", "value": "{{inputs.parameters.n}}"}]
    given = {"parameters": [{"name": "n", "value": "{{item}}"}]}
    all_of_them = {"parameters": [{"name": "n", "value": "{{steps.a.outputs.result}}"}]}
    steps = [
        [{"name": "a", "template": "say", "arguments": given, "withItems": [5, 1, 3]}],
        [{"name": "b", "template": "ok", "arguments": all_of_them}],
    ]
    ok = pod("ok", inputs={"parameters": [{"name": "n"}]})
    found = nodes(begin(tmp_path, {"name": "main", "steps": steps}, say, ok).execute())
    assert found["wf[1].b"]["inputs"]["parameters"][0]["value"] == "[5,1,3]"
