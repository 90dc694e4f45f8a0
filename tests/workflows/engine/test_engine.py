"""The engine on small manifests: real processes, real files."""

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from sampling import sampled

from slipway_steps.domain.errors import BadInput, Refused, WorkflowInvalid
from slipway_workflows import engine
from slipway_workflows.argo import Event

CASES = Path(__file__).parents[2] / "conformance"


def pod(name: str, script: str, image: str = "slipway/steps:0", **more: Any) -> dict[str, Any]:
    """A container template of Slipway's own image, whose steps use the machine's files: a test sees what they did."""
    return {"name": name, "container": {"image": image, "command": ["sh", "-c"], "args": [script]}, **more}


def steps(*groups: list[dict[str, Any]], name: str = "main", **more: Any) -> dict[str, Any]:
    return {"name": name, "steps": list(groups), **more}


def call(name: str, template: str = "", **more: Any) -> dict[str, Any]:
    return {"name": name, "template": template or name, **more}


def workflow(*templates: dict[str, Any], name: str = "wf", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": name},
        "spec": {"entrypoint": "main", "templates": list(templates), **spec},
    }


def prepared(home: Path, manifest: dict[str, Any]) -> engine.Run:
    return engine.prepare(engine.Library(), manifest, {}, engine.Options(home=home))


def run(home: Path, manifest: dict[str, Any], **environment: str) -> dict[str, Any]:
    options = engine.Options(home=home, environment=environment)
    return engine.prepare(engine.Library(), manifest, {}, options).execute()


def nodes(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {node["name"]: node for node in found["status"]["nodes"].values()}


def test_steps_that_run_at_the_same_time_do_not_collide(tmp_path: Path) -> None:
    write = pod(
        "write",
        "mkdir -p /tmp/out; echo $N > /tmp/out/n; sleep 0.3; cat /tmp/out/n > /tmp/out/again",
        inputs={"parameters": [{"name": "n"}]},
        outputs={"parameters": [{"name": "again", "valueFrom": {"path": "/tmp/out/again"}}]},
    )
    write["container"]["env"] = [{"name": "N", "value": "{{inputs.parameters.n}}"}]
    group = [call(f"s{n}", "write", arguments={"parameters": [{"name": "n", "value": str(n)}]}) for n in range(4)]
    found = nodes(run(tmp_path, workflow(steps(group), write)))
    ran = [found[f"wf[0].s{n}"] for n in range(4)]
    assert max(node["startedAt"] for node in ran) < min(node["finishedAt"] for node in ran), "one after the other"
    for n in range(4):
        (again,) = found[f"wf[0].s{n}"]["outputs"]["parameters"]
        assert (again["name"], again["value"]) == ("again", str(n))
    assert not Path("/tmp/out/n").exists()
    assert not (tmp_path / "runs" / "wf" / "work").exists()


def test_events_tell_the_tree(tmp_path: Path) -> None:
    heard: list[Event] = []
    prepared(tmp_path, workflow(steps([call("a")]), pod("a", "echo hi"))).execute(heard.append)
    last = {event.path: event for event in heard}
    assert last["a"].phase == "Succeeded"
    assert last["a"].log is not None
    assert last["a"].log.read_text() == "hi\n"
    assert last["a"].parent == next(event.node_id for event in heard if event.type == "StepGroup")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"daemon": True}, "daemon"),
        ({"memoize": {"key": "x"}}, "memoize"),
        ({"sidecars": []}, "sidecars"),
        ({"synchronization": {"mutex": {"name": "lost"}}}, "synchronization.mutex"),
        ({"retryStrategy": {"limitt": 1}}, "retryStrategy.limitt"),
        ({"outputs": {"artifacts": [{"name": "a", "path": "/x", "gcs": {}}]}}, "outputs.artifacts.a.gcs"),
        ({"container": {"image": "redis", "command": ["x"]}}, "redis"),
        ({"container": {"image": "slipway/steps:0"}}, "name a command"),
        ({"container": None, "http": {"url": "x"}}, "http"),
        ({"inputs": {"parameters": [{"name": "x"}]}}, "inputs.parameters.x was not supplied"),
    ],
)
def test_what_it_does_not_know_is_refused_by_name_before_anything_runs(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    bad = {k: v for k, v in (pod("bad", "true") | change).items() if v is not None}
    manifest = workflow(steps([call("first")], [call("bad")]), pod("first", "true"), bad)
    with pytest.raises(WorkflowInvalid, match=said.replace(".", r"\.")):
        prepared(tmp_path, manifest)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("main", "said"),
    [
        (steps([call("nothing")]), "nothing"),
        (steps([call("a"), call("a")]), "used twice"),
        (steps([{"name": "x", "templateRef": {"name": "no", "template": "main"}}]), "templateRef no"),
        (
            steps([call("a", arguments={"parameters": [{"name": "v", "value": "{{steps.b.outputs.result}}"}]})]),
            "steps.b",
        ),
        (steps([call("a", hooks={"exit": {"template": "none"}})]), "hooks.exit"),
        (steps([call("a", arguments={"parameters": [{"name": "v", "value": 7}]})]), "must be a string"),
        ({"name": "main", "dag": {"tasks": [call("a", depends="b")]}}, "'b'"),
    ],
)
def test_wrong_references_are_refused(tmp_path: Path, main: dict[str, Any], said: str) -> None:
    with pytest.raises(WorkflowInvalid, match=said):
        prepared(tmp_path, workflow(main, pod("a", "true")))


def test_unknown_parameters_of_a_person_are_refused(tmp_path: Path) -> None:
    manifest = workflow(pod("main", "true"), arguments={"parameters": [{"name": "known", "value": "1"}]})
    with pytest.raises(BadInput, match="known"):
        engine.prepare(engine.Library(), manifest, {"knwon": "1"}, engine.Options(home=tmp_path))


def test_retries_backoff_and_outputs_of_the_last(tmp_path: Path) -> None:
    script = "echo x >> $COUNT; mkdir -p /tmp/o; wc -l < $COUNT > /tmp/o/n; test $(wc -l < $COUNT) -ge 3"
    flaky = pod(
        "flaky",
        script,
        retryStrategy={"limit": "3", "backoff": {"duration": "50ms", "factor": "2"}},
        outputs={"parameters": [{"name": "n", "valueFrom": {"path": "/tmp/o/n"}}]},
    )
    found = run(tmp_path, workflow(steps([call("flaky")]), flaky), COUNT=str(tmp_path / "count"))
    assert found["status"]["phase"] == "Succeeded"
    tree = nodes(found)
    assert tree["wf[0].flaky"]["type"] == "Retry"
    assert [tree[f"wf[0].flaky({n})"]["phase"] for n in range(3)] == ["Failed", "Failed", "Succeeded"]
    assert tree["wf[0].flaky"]["outputs"]["parameters"][0]["value"].strip() == "3"


def test_a_deadline_kills_the_whole_group(tmp_path: Path) -> None:
    hang = pod("main", "sleep 60 & echo $! > /tmp/o/pid; wait", activeDeadlineSeconds=1)
    hang["container"]["args"] = ["sleep 60 & echo $! > $WHERE/pid; wait"]
    found = run(tmp_path, workflow(hang), WHERE=str(tmp_path))
    (node,) = nodes(found).values()
    assert (node["phase"], node["outputs"]["exitCode"]) == ("Failed", "143")
    pid = int((tmp_path / "pid").read_text())
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_stop_ends_what_runs_and_the_exit_handler_still_runs(tmp_path: Path) -> None:
    manifest = workflow(
        steps([call("long")], [call("never", "done")]), pod("long", "sleep 60"), pod("done", "true"), onExit="done"
    )
    found = prepared(tmp_path, manifest)
    threading.Timer(0.5, found.stop).start()
    started = time.monotonic()
    stored = found.execute()
    assert time.monotonic() - started < 40, "not the 60 s that it sleeps"
    tree = nodes(stored)
    assert (stored["status"]["phase"], tree["wf[0].long"]["phase"]) == ("Failed", "Failed")
    assert tree["wf.onExit"]["phase"] == "Succeeded"
    assert "wf[1].never" not in tree


def test_two_runs_on_one_mutex_wait_for_each_other(tmp_path: Path) -> None:
    lock = {"synchronization": {"mutexes": [{"name": "one"}]}}
    times: dict[str, tuple[str, str]] = {}

    def one(name: str) -> None:
        found = run(tmp_path, workflow(pod("main", "sleep 0.5"), name=name, **lock))
        (node,) = nodes(found).values()
        times[name] = (node["startedAt"], node["finishedAt"])

    threads = [threading.Thread(target=one, args=(name,)) for name in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    order = sorted(times.values())
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(order))


def test_a_suspended_node_is_answered_by_another_process(tmp_path: Path) -> None:
    ask = {
        "name": "ask",
        "suspend": {},
        "outputs": {"parameters": [{"name": "decision", "valueFrom": {"supplied": {}, "default": "reject"}}]},
    }
    go = call("go", when='"{{steps.ask.outputs.parameters.decision}}" == "approve"')
    found = prepared(tmp_path, workflow(steps([call("ask")], [go]), ask, pod("go", "true")))
    results: list[dict[str, Any]] = []
    thread = threading.Thread(target=lambda: results.append(found.execute()))
    thread.start()
    deadline = time.monotonic() + 10
    while not engine.waiting_runs(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.05)
    (run,) = engine.waiting_runs(tmp_path)
    (node,) = run.workflow.waiting
    assert (run.name, node.asks_for) == ("wf", ["decision"])
    with pytest.raises(Refused):
        engine.resume(tmp_path, "wf", {"another": {}})
    engine.resume(tmp_path, run.name, {node.display_name: {"decision": "approve"}})
    thread.join(10)
    assert nodes(results[0])["wf[1].go"]["phase"] == "Succeeded"
    assert engine.waiting_runs(tmp_path) == []


def test_a_killed_engine_takes_its_steps_along_and_leaves_a_readable_run(tmp_path: Path) -> None:
    manifest = workflow(
        steps([call("long")]), pod("long", "(echo $BASHPID; sleep 60) & echo $! > $SLIPWAY_WHERE/pid; wait")
    )
    (tmp_path / "wf.yaml").write_text(yaml.safe_dump(manifest))
    code = "from slipway_workflows.cli import script; script()"
    child = subprocess.Popen(
        [sys.executable, "-c", code, "--home", str(tmp_path / "home"), "run", str(tmp_path / "wf.yaml")],
        stderr=subprocess.DEVNULL,
        env={**os.environ, "SLIPWAY_WHERE": str(tmp_path)},
    )
    deadline = time.monotonic() + 20
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().strip():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.5)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    pid = int((tmp_path / "pid").read_text())
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "the step outlived its engine"
        time.sleep(0.05)
    stored = json.loads((tmp_path / "home" / "runs" / "wf" / "workflow.json").read_text())
    assert stored["status"]["phase"] == "Running"
    assert run(tmp_path / "home", workflow(pod("main", "true")))["status"]["phase"] == "Succeeded"


def test_the_same_workflow_twice_at_once_is_refused(tmp_path: Path) -> None:
    thread = threading.Thread(target=run, args=(tmp_path, workflow(pod("main", "sleep 1"))))
    thread.start()
    time.sleep(0.3)
    with pytest.raises(Refused, match="running already"):
        run(tmp_path, workflow(pod("main", "true")))
    thread.join()


def test_an_output_that_will_never_be_is_an_error_that_names_it(tmp_path: Path) -> None:
    quiet = pod("quiet", "exit 1", outputs={"parameters": [{"name": "v", "valueFrom": {"path": "/tmp/o/v"}}]})
    read = call("read", arguments={"parameters": [{"name": "v", "value": "{{steps.quiet.outputs.parameters.v}}"}]})
    tolerant = call("quiet", continueOn={"failed": True})
    reader = pod("read", "true", inputs={"parameters": [{"name": "v"}]})
    found = run(tmp_path, workflow(steps([tolerant], [read]), quiet, reader))
    assert found["status"]["phase"] == "Failed"
    assert "steps.quiet.outputs.parameters.v" in found["status"]["message"]


SAMPLE = sorted((CASES / "cases").glob("*.yaml"))


@pytest.mark.parametrize("path", sampled(SAMPLE, 4), ids=lambda path: path.stem)
def test_cases_answered_by_argo(path: Path, tmp_path: Path) -> None:
    """Node trees of the real controller: names, types, phases, children, inputs and outputs."""
    expected = json.loads((CASES / "expected" / f"{path.stem}.json").read_text())
    library = engine.load([path])
    found = engine.prepare(library, engine.main_object(library, path), {}, engine.Options(home=tmp_path)).execute()
    tree = {node["name"].replace(found["metadata"]["name"], "WF", 1): node for node in nodes(found).values()}
    ids = {node["id"]: name for name, node in tree.items()}
    assert found["status"]["phase"] == expected["phase"]
    assert set(tree) == set(expected["nodes"])
    for name, want in expected["nodes"].items():
        have = tree[name]
        assert {"type": have["type"], "phase": have["phase"]} == {"type": want["type"], "phase": want["phase"]}, name
        assert sorted(ids[child] for child in have.get("children", [])) == want["children"], name
        values = {p["name"]: p.get("value") for p in have.get("outputs", {}).get("parameters", [])}
        assert values == want["outputs"].get("parameters", {}), name


def test_the_sample_is_there() -> None:
    assert len(SAMPLE) >= 20
