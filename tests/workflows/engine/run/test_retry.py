"""`slipway retry`: which nodes are kept and which run again."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway_steps.domain.errors import Refused
from slipway_workflows import engine


def pod(name: str, script: str, **more: Any) -> dict[str, Any]:
    """A container template that adds its name as a line to the file $RUNS each time it runs."""
    command = ["sh", "-c", f"echo {name} >> $RUNS; {script}"]
    return {"name": name, "container": {"image": "slipway/steps:0", "command": command}, **more}


def workflow(*templates: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": "wf"},
        "spec": {"entrypoint": "main", "templates": list(templates), **spec},
    }


def options(home: Path) -> engine.Options:
    return engine.Options(home, {"RUNS": str(home / "ran"), "PATH": os.environ["PATH"]})


def run(home: Path, manifest: dict[str, Any]) -> str:
    home.mkdir(exist_ok=True)
    found = engine.prepare(engine.Library(), manifest, {}, options(home)).execute()
    return str(found["status"]["phase"])


def retried(home: Path, **parameters: str) -> tuple[dict[str, Any], list[str]]:
    (home / "ran").write_text("")
    found = engine.prepare_retry(home, "wf", parameters, options(home)).execute()
    return found, (home / "ran").read_text().split()


TAG = "{{steps.a.outputs.parameters.n}}"
STEPS = {
    "name": "main",
    "steps": [
        [{"name": "a", "template": "a"}, {"name": "each", "template": "loop", "withItems": ["x", "y"]}],
        [{"name": "b", "template": "b"}],
        [{"name": "c", "template": "c", "arguments": {"parameters": [{"name": "n", "value": TAG}]}}],
    ],
}
PARTS = (
    pod(
        "a",
        "mkdir -p /tmp/o; echo 7 > /tmp/o/n",
        outputs={"parameters": [{"name": "n", "valueFrom": {"path": "/tmp/o/n"}}]},
    ),
    pod("loop", "true"),
    pod("b", "exit {{workflow.parameters.code}}"),
    pod("c", "test {{inputs.parameters.n}} = 7", inputs={"parameters": [{"name": "n"}]}),
)
CODE = {"arguments": {"parameters": [{"name": "code", "value": "1"}]}}


def test_what_succeeded_is_kept_with_its_outputs(tmp_path: Path) -> None:
    assert run(tmp_path / "h", workflow(STEPS, *PARTS, pod("bye", "true"), onExit="bye", **CODE)) == "Failed"
    found, ran = retried(tmp_path / "h", code="0")
    assert found["status"]["phase"] == "Succeeded"
    assert ran == ["b", "c", "bye"]
    names = {node["name"] for node in found["status"]["nodes"].values()}
    assert {"wf[0].a", "wf[0].each(0:x)", "wf[0].each(1:y)", "wf[1].b", "wf[2].c", "wf.onExit"} <= names


def test_it_may_fail_again_and_be_retried_again(tmp_path: Path) -> None:
    run(tmp_path / "h", workflow(STEPS, *PARTS, **CODE))
    assert retried(tmp_path / "h")[1] == ["b"]
    assert retried(tmp_path / "h", code="0")[1] == ["b", "c"]


def test_what_follows_a_step_that_runs_again_runs_again(tmp_path: Path) -> None:
    """A revert that succeeded because of a failed step says nothing about the step's second try."""
    dag = {
        "name": "main",
        "dag": {
            "tasks": [
                {"name": "before", "template": "before"},
                {"name": "deploy", "template": "deploy", "depends": "before"},
                {"name": "revert", "template": "revert", "depends": "deploy.Failed"},
                {"name": "beside", "template": "beside"},
                {"name": "last", "template": "b", "depends": "deploy || revert"},
            ]
        },
    }
    parts = [pod(name, "true") for name in ("before", "revert", "beside")]
    manifest = workflow(dag, *parts, pod("deploy", "exit {{workflow.parameters.code}}"), pod("b", "exit 1"), **CODE)
    assert run(tmp_path / "h", manifest) == "Failed"
    found, ran = retried(tmp_path / "h", code="0")
    assert sorted(ran) == ["b", "deploy"]
    phases = {node["displayName"]: node["phase"] for node in found["status"]["nodes"].values()}
    assert (phases["before"], phases["beside"], phases["revert"]) == ("Succeeded", "Succeeded", "Omitted")


def test_a_retry_node_that_succeeded_keeps_its_tries(tmp_path: Path) -> None:
    flaky = pod("flaky", "test {{retries}} = 1", retryStrategy={"limit": "3"})
    main = {"name": "main", "steps": [[{"name": "f", "template": "flaky"}], [{"name": "b", "template": "b"}]]}
    run(tmp_path / "h", workflow(main, flaky, PARTS[2], **CODE))
    found, ran = retried(tmp_path / "h", code="0")
    assert ran == ["b"]
    tries = [node["phase"] for node in found["status"]["nodes"].values() if node["name"].startswith("wf[0].f(")]
    assert tries == ["Failed", "Succeeded"]


def test_artifacts_of_kept_steps_are_there(tmp_path: Path) -> None:
    made = pod("a", "echo hello > /tmp/o/x", outputs={"artifacts": [{"name": "x", "path": "/tmp/o/x"}]})
    read = pod("b", "exit {{workflow.parameters.code}}")
    used = pod("c", "grep hello /tmp/i/x", inputs={"artifacts": [{"name": "x", "path": "/tmp/i/x"}]})
    given = {"artifacts": [{"name": "x", "from": "{{steps.a.outputs.artifacts.x}}"}]}
    groups = [[{"name": n, "template": n} | ({"arguments": given} if n == "c" else {})] for n in "abc"]
    run(tmp_path / "h", workflow({"name": "main", "steps": groups}, made, read, used, **CODE))
    found, ran = retried(tmp_path / "h", code="0")
    assert (found["status"]["phase"], ran) == ("Succeeded", ["b", "c"])


def test_a_retried_workflow_was_created_when_it_first_was(tmp_path: Path) -> None:
    home = tmp_path / "h"
    created = pod("created", "echo {{workflow.creationTimestamp}} {{workflow.creationTimestamp.Y}} >> $RUNS")
    groups = [[{"name": "b", "template": "b"}], [{"name": "created", "template": "created"}]]
    run(home, workflow({"name": "main", "steps": groups}, PARTS[2], created, **CODE))
    path = home / "runs" / "wf" / "workflow.json"
    stored = json.loads(path.read_text())
    stored["metadata"]["creationTimestamp"] = "2020-02-03T04:05:06Z"
    path.write_text(json.dumps(stored))
    found, ran = retried(home, code="0")
    assert ran == ["b", "created", "2020-02-03T04:05:06Z", "2020"]
    assert found["metadata"]["creationTimestamp"] == "2020-02-03T04:05:06Z"


def test_what_cannot_be_retried_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "h"
    with pytest.raises(Refused, match="there is no workflow wf"):
        engine.prepare_retry(home, "wf", {}, options(home))
    run(home, workflow(pod("main", "true")))
    with pytest.raises(Refused, match="has succeeded"):
        engine.prepare_retry(home, "wf", {}, options(home))


def test_a_killed_engine_is_continued(tmp_path: Path) -> None:
    home = tmp_path / "h"
    home.mkdir()
    main = {"name": "main", "steps": [[{"name": "a", "template": "a"}], [{"name": "long", "template": "long"}]]}
    manifest = workflow(main, pod("a", "true"), pod("long", "test -e $RUNS.go || sleep 60"))
    (tmp_path / "wf.yaml").write_text(yaml.safe_dump(manifest))
    code = (
        "import sys; from pathlib import Path; from slipway_workflows import engine\n"
        "home, file = map(Path, sys.argv[1:]); library = engine.load([file])\n"
        "options = engine.Options(home, {'RUNS': str(home / 'ran')})\n"
        "engine.prepare(library, engine.main_object(library, file), {}, options).execute()"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(home), str(tmp_path / "wf.yaml")])
    deadline = time.monotonic() + 30
    while "long" not in ((home / "ran").read_text() if (home / "ran").exists() else ""):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.5)  # the store is written five times a second
    child.send_signal(signal.SIGKILL)
    child.wait()
    (home / "ran.go").write_text("")
    json.loads((home / "runs" / "wf" / "workflow.json").read_text())
    found, ran = retried(home)
    assert (found["status"]["phase"], ran) == ("Succeeded", ["long"])
