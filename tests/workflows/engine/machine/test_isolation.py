"""The file system that a step sees on one machine, and the programs that take an image's place."""

import os
from pathlib import Path
from typing import Any

import pytest

from slipway_steps.domain.errors import BadInput, WorkflowInvalid
from slipway_workflows import engine
from slipway_workflows.engine.machine.isolation import available
from slipway_workflows.engine.manifests.images import Images, read_images


@pytest.fixture(params=["mounted", "rewritten"])
def isolated(request: pytest.FixtureRequest, tmp_path: Path) -> bool:
    if request.param == "mounted" and not available(tmp_path):
        pytest.skip("this kernel gives no mount namespace")
    return bool(request.param == "mounted")


def run(home: Path, *templates: dict[str, Any], isolated: bool | None = None) -> dict[str, Any]:
    manifest = {
        "kind": "Workflow",
        "metadata": {"name": "wf"},
        "spec": {"entrypoint": "main", "templates": list(templates)},
    }
    workflow = engine.prepare(engine.Library(), manifest, {}, engine.Options(home, isolated=isolated)).execute()
    return {node["name"]: node for node in workflow["status"]["nodes"].values()} | {"": workflow["status"]}


def pod(script: str, outputs: dict[str, str], name: str = "main", image: str = "busybox:1.37") -> dict[str, Any]:
    return {
        "name": name,
        "container": {"image": image, "command": ["sh", "-c"], "args": [script]},
        "outputs": {"parameters": [{"name": key, "valueFrom": {"path": path}} for key, path in outputs.items()]},
    }


def value(node: dict[str, Any]) -> str:
    return str(node["outputs"]["parameters"][0]["value"])


@pytest.mark.parametrize("path", ["/tmp/out", "/work/deep/out", "/mnt/vol/out", "/output"])
def test_absolute_paths_are_the_step_s_own(isolated: bool, tmp_path: Path, path: str) -> None:
    existed = Path(path).exists()
    found = run(
        tmp_path, pod(f"mkdir -p $(dirname {path}); echo hi > {path}; cat {path}", {"o": path}), isolated=isolated
    )
    assert found[""]["phase"] == "Succeeded", (isolated, found)
    assert value(found["wf"]) == "hi"
    assert Path(path).exists() == existed


def test_parallel_steps_do_not_meet(isolated: bool, tmp_path: Path) -> None:
    script = "echo {{inputs.parameters.n}} > /tmp/x; sleep 0.2; cp /tmp/x /tmp/out"
    one = pod(script, {"o": "/tmp/out"}, "one") | {"inputs": {"parameters": [{"name": "n"}]}}
    arguments = {"parameters": [{"name": "n", "value": "{{item}}"}]}
    items = [{"name": "l", "template": "one", "withItems": list(range(6)), "arguments": arguments}]
    found = run(tmp_path, {"name": "main", "steps": [items]}, one, isolated=isolated)
    assert [value(found[f"wf[0].l({n}:{n})"]) for n in range(6)] == [str(n) for n in range(6)], isolated


def test_a_path_that_a_script_makes_up_is_its_own_too(tmp_path: Path) -> None:
    if not available(tmp_path):
        pytest.skip("this kernel gives no mount namespace")
    script = 'd=/t; d="${d}mp"; echo hi > $d/slipway-made-up; cp $d/slipway-made-up /tmp/o'
    assert value(run(tmp_path, pod(script, {"o": "/tmp/o"}))["wf"]) == "hi"
    assert not Path("/tmp/slipway-made-up").exists()


def test_steps_of_this_project_work_on_the_machine_s_files(isolated: bool, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    name = "MARK"
    os.environ[name] = str(mark)
    manifest = pod("echo hi > $MARK; echo ok > /tmp/slipway-o", {"o": "/tmp/slipway-o"}, image="slipway/steps:1")
    manifest["container"]["env"] = [{"name": name, "value": str(mark)}]
    del os.environ[name]
    found = run(tmp_path / "home", manifest, isolated=isolated)
    assert found[""]["phase"] == "Succeeded", (isolated, found)


def test_an_image_s_own_command_runs(tmp_path: Path) -> None:
    say = {"name": "main", "container": {"image": "argoproj/argosay:v2", "args": ["echo", "hello"]}}
    found = run(tmp_path, say)
    assert found[""]["phase"] == "Succeeded"
    assert (tmp_path / "runs/wf/logs/wf.log").read_text() == "hello\n"


def test_a_user_maps_an_image(tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "trainer").write_text("#!/bin/sh\necho trained $1\n")
    (programs / "trainer").chmod(0o755)
    (tmp_path / "images.yaml").write_text(
        f"ghcr.io/acme/trainer:\n  path: [{programs}]\n  command: [trainer]\nregistry:5000/other: {{}}\n"
    )
    found = run(tmp_path, {"name": "main", "container": {"image": "ghcr.io/acme/trainer:1.2", "args": ["x"]}})
    assert found[""]["phase"] == "Succeeded"
    assert (tmp_path / "runs/wf/logs/wf.log").read_text() == "trained x\n"


def test_an_unmapped_image_is_refused_before_the_start(tmp_path: Path) -> None:
    ok = pod("touch /tmp/ran", {}, "ok")
    other = {"name": "other", "container": {"image": "redis:7", "command": ["x"]}}
    groups = [[{"name": "a", "template": "ok"}], [{"name": "b", "template": "other"}]]
    with pytest.raises(WorkflowInvalid, match=r"redis:7 stands for no program.*images\.yaml"):
        run(tmp_path, {"name": "main", "steps": groups}, ok, other)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("text", ["[1]", "a: {pathh: []}", "a: {path: x}", "{", "a: 3"])
def test_a_bad_mapping_is_said(tmp_path: Path, text: str) -> None:
    (tmp_path / "images.yaml").write_text(text)
    with pytest.raises(BadInput, match=r"images\.yaml"):
        read_images(tmp_path / "images.yaml")


def test_no_mapping_is_none(tmp_path: Path) -> None:
    assert read_images(tmp_path / "images.yaml").is_known("docker.io/library/python:3.12-slim")
    assert not Images().is_known("redis")
