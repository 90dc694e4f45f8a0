"""Unforeseen errors, and errors that only show during a run, end a workflow as any other error does."""

import json
from pathlib import Path
from typing import Any

import pytest
from engine_runs import Ran, call, dag, given, pod, prepared, steps

from slipway_workflows.cli import main as slipway
from slipway_workflows.engine.manifests.library import Library
from slipway_workflows.engine.run import pod as pods
from slipway_workflows.engine.run import steps as step_groups

BYE = pod("bye", "echo {{workflow.status}}")


def broken(*_: object) -> None:
    raise ZeroDivisionError("a planted fault\nin two lines")


@pytest.mark.parametrize("main", [steps([call("a", "work")]), dag(call("a", "work"))])
@pytest.mark.parametrize("retry", [{}, {"retryStrategy": {"limit": "1", "retryPolicy": "Always"}}])
def test_a_fault_of_the_engine_in_a_node_ends_the_run_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, main: dict[str, Any], retry: dict[str, Any]
) -> None:
    place = pods._place_artifacts
    monkeypatch.setattr(pods, "_place_artifacts", lambda o, t, f: broken() if t["name"] == "work" else place(o, t, f))
    ran = Ran(tmp_path, main, pod("work", **retry), BYE, onExit="bye")
    assert (ran.status["phase"], ran.nodes["wf"]["phase"], ran.nodes["wf.onExit"]["phase"]) == (
        "Error",
        "Error",
        "Succeeded",
    )
    work = next(node for node in ran.nodes.values() if node["displayName"] == "a")
    assert work["phase"] == "Error"
    assert all(phase in ("Error", "Succeeded") for phase in ran.phases().values())
    message = ran.status["message"]
    assert "ZeroDivisionError: a planted fault in two lines" in message
    assert str(ran.directory / "engine.log") in message
    assert "\n" not in message
    log = (ran.directory / "engine.log").read_text()
    assert log.count("Traceback") == 1
    assert "test_faults.py" in log
    stored = json.loads((ran.directory / "workflow.json").read_text())
    assert stored["status"]["phase"] == "Error"
    bye = ran.directory / "logs" / f"{ran.nodes['wf.onExit']['id']}.log"
    assert bye.read_text() == "Error\n"


def test_a_fault_outside_of_any_child_marks_its_template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_groups, "fill_caller", broken)
    ran = Ran(tmp_path, steps([call("a", "work")]), pod("work"), BYE, onExit="bye")
    assert ran.phases() == {"": "Error", "[0]": "Error", ".onExit": "Succeeded"}
    assert ran.status["phase"] == "Error"


def test_a_fault_of_the_exit_handler_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = pods._place_artifacts
    monkeypatch.setattr(pods, "_place_artifacts", lambda o, t, f: broken() if t["name"] == "bye" else place(o, t, f))
    ran = Ran(tmp_path, pod("main"), BYE, onExit="bye")
    assert ran.phases() == {"": "Succeeded", ".onExit": "Error"}
    assert ran.status["phase"] == "Error"


def test_siblings_of_a_node_with_a_fault_run_to_their_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = pods._place_artifacts
    monkeypatch.setattr(pods, "_place_artifacts", lambda o, t, f: broken() if t["name"] == "work" else place(o, t, f))
    ran = Ran(
        tmp_path, dag(call("a", "work", withItems=[1, 2]), call("b", "slow")), pod("work"), pod("slow", "sleep 0.3")
    )
    assert ran.nodes["wf.b"]["phase"] == "Succeeded"
    assert ran.nodes["wf.a"]["phase"] == "Error"


@pytest.mark.parametrize(
    ("form", "names"),
    [("%v", "12"), ("%03d", "012"), ("a%xb", "acb"), ("%-4d|", "12  |"), ("%+d%%", "+12%"), ("%#x", "0xc")],
)
def test_a_sequence_is_formatted_as_go_does(tmp_path: Path, form: str, names: str) -> None:
    loop = call("a", "work", withSequence={"start": "12", "end": "12", "format": form})
    ran = Ran(tmp_path, steps([loop]), pod("work"))
    assert ran.phases() == {"": "Succeeded", "[0]": "Succeeded", f"[0].a(0:{names})": "Succeeded"}


def test_a_templated_image_without_a_command_is_an_error_of_its_node(tmp_path: Path) -> None:
    bare = {
        "name": "work",
        "inputs": {"parameters": [{"name": "image"}]},
        "container": {"image": "{{inputs.parameters.image}}"},
    }
    ran = Ran(tmp_path, steps([call("a", "work", arguments=given(image="slipway/steps:0"))]), bare, BYE, onExit="bye")
    assert ran.phases() == {"": "Failed", "[0]": "Error", "[0].a": "Error", ".onExit": "Succeeded"}
    assert "slipway/steps:0" in ran.status["message"]
    assert "container.command" in ran.status["message"]


@pytest.mark.parametrize("values", [None, {"k": "many"}])
def test_a_templated_semaphore_without_a_number_is_an_error_of_its_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, values: dict[str, str] | None
) -> None:
    if values is not None:
        monkeypatch.setattr(Library, "config_value", lambda self, reference: values[reference["key"]])
    semaphore = {"configMapKeyRef": {"name": "{{inputs.parameters.map}}", "key": "k"}}
    work = pod("work", synchronization={"semaphores": [semaphore]}, inputs={"parameters": [{"name": "map"}]})
    ran = Ran(tmp_path, steps([call("a", "work", arguments=given(map="limits"))]), work, BYE, onExit="bye")
    assert ran.phases() == {"": "Failed", "[0]": "Error", "[0].a": "Error", ".onExit": "Succeeded"}
    assert ran.nodes["wf[0].a"]["type"] == "Skipped"
    assert "limits" in ran.status["message"]


def test_a_raw_artifact_at_a_directory_is_an_error_of_its_node(tmp_path: Path) -> None:
    work = pod("work", inputs={"artifacts": [{"name": "raw", "path": "/tmp", "raw": {"data": "x"}}]})
    ran = Ran(tmp_path, steps([call("a", "work")]), work, BYE, onExit="bye")
    assert ran.phases() == {"": "Failed", "[0]": "Failed", "[0].a": "Error", ".onExit": "Succeeded"}
    assert "artifact raw cannot be written to /tmp" in ran.nodes["wf[0].a"]["message"]


def test_a_raw_artifact_at_a_directory_of_the_entrypoint_lets_the_exit_handler_run(tmp_path: Path) -> None:
    main = pod("main", inputs={"artifacts": [{"name": "raw", "path": "/tmp", "raw": {"data": "x"}}]})
    ran = Ran(tmp_path, main, BYE, onExit="bye")
    assert ran.phases() == {"": "Error", ".onExit": "Succeeded"}
    assert "artifact raw cannot be written to /tmp" in ran.status["message"]


def test_a_semaphore_of_the_workflow_that_cannot_be_had_fails_it(tmp_path: Path) -> None:
    run = prepared(tmp_path, pod("main"))
    run.spec["synchronization"] = {"semaphores": [{"configMapKeyRef": {"name": "none", "key": "k"}}]}
    status = run.execute()["status"]
    assert (status["phase"], status["nodes"]) == ("Failed", {})
    assert status["message"].startswith("Failed to acquire the synchronization lock.")


def test_the_command_prints_one_line_and_exits_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pods, "_place_artifacts", broken)
    monkeypatch.setenv("SLIPWAY_HOME", str(tmp_path / "home"))
    manifest = {
        "kind": "Workflow",
        "metadata": {"name": "wf"},
        "spec": {"entrypoint": "main", "templates": [pod("main")]},
    }
    (tmp_path / "wf.yaml").write_text(json.dumps(manifest))
    assert slipway(["--home", str(tmp_path / "home"), "run", str(tmp_path / "wf.yaml")]) == 1
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
    assert len(errors) == 1
    assert "wf: Error: node wf: ZeroDivisionError: a planted fault in two lines" in errors[0]
    assert "engine.log" in errors[0]


def container(**more: Any) -> dict[str, Any]:
    template = pod("work")
    return {**template, "container": {**template["container"], **more}}


@pytest.mark.parametrize(
    "work",
    [
        pod("work", activeDeadlineSeconds="{{inputs.parameters.n}}"),
        container(workingDir="/" + "a" * 300),
        container(volumeMounts=[{"name": "v", "mountPath": "/" + "a" * 300}]),
    ],
)
def test_a_pod_that_cannot_be_prepared_is_in_error(tmp_path: Path, work: dict[str, Any]) -> None:
    work["inputs"] = {"parameters": [{"name": "n"}]}
    call_it = call("a", "work", arguments=given(n="soon"))
    ran = Ran(tmp_path, steps([call_it]), work, BYE, onExit="bye", volumes=[{"name": "v", "emptyDir": {}}])
    assert ran.nodes["wf[0].a"]["phase"] == "Error"
    assert "fault of Slipway" not in ran.status["message"]
    assert not (ran.directory / "engine.log").exists()
    assert ran.nodes["wf.onExit"]["phase"] == "Succeeded"
