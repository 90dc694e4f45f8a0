"""Pipelines in which one step really takes longer, run by the local engine."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from sampling import for_acceptance

from slipway_steps.domain.errors import BadInput
from slipway_steps.perf.slowed_pipeline import BUSY, slow_pipeline

PIPELINE = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: three-}
spec:
  entrypoint: main
  templates:
    - name: main
      steps:
        - - {name: load, template: shell, arguments: {parameters: [{name: word, value: "007"}]}}
        - - name: check
            template: shell
            arguments: {parameters: [{name: word, value: "{{item}}"}]}
            withItems: [a, b]
        - - {name: train, template: python}
    - name: shell
      inputs: {parameters: [{name: word}]}
      container: {image: "busybox:1", command: [sh, -c], args: ["echo {{inputs.parameters.word}}"]}
    - name: python
      script: {image: "python:3.11", command: [python3], source: "print(1e3)"}
"""


def run(pipeline: Path, home: Path) -> tuple[dict[str, str], float]:
    """What each step wrote, and the processor time of the steps in seconds."""
    program = "import resource, sys\nfrom slipway_workflows.cli import main\ncode = main(sys.argv[1:])\n"
    program += "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
    program += "print(used.ru_utime + used.ru_stime, file=sys.stderr)\nsys.exit(code)"
    command = [sys.executable, "-c", program, "--home", str(home), "run", str(pipeline), "--output", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    workflow = json.loads(done.stdout)
    logs = {path.stem: path.read_text() for path in (home / "runs" / workflow["metadata"]["name"]).rglob("*.log")}
    return logs, float(done.stderr.splitlines()[-1])


@pytest.mark.parametrize(
    ("nodes", "slowed"),
    [
        ({"load": 1, "train": 1}, "load"),
        ({"check": 2, "train": 1}, "check"),
        for_acceptance({"train": 1}, "train"),
        for_acceptance({"check": 20, "train": 1}, "train"),
    ],
)
def test_one_step_uses_more_of_the_processor_and_does_what_it_did(
    tmp_path: Path, nodes: dict[str, int], slowed: str
) -> None:
    pipeline, copy = tmp_path / "three.yaml", tmp_path / "slow.yaml"
    pipeline.write_text(PIPELINE)
    assert slow_pipeline(pipeline, copy, 0.5, nodes) == slowed
    assert pipeline.read_text() == PIPELINE
    before, used = run(pipeline, tmp_path / "one")
    after, more = run(copy, tmp_path / "two")
    assert sorted(before.values()) == sorted(after.values()) == ["007\n", "1000.0\n", "a\n", "b\n"]
    assert 0.4 < more - used < 0.9


def busy(document: Any) -> list[str]:
    """The seconds that are asked of the programs of a document, by the order in which they stand."""
    if isinstance(document, dict):
        command = document.get("command") or []
        own = [command[5]] if BUSY in command else []
        return own + [one for value in document.values() for one in busy(value)]
    return [one for value in document for one in busy(value)] if isinstance(document, list) else []


def test_only_the_steps_of_a_dag_that_are_slowed_get_another_template(tmp_path: Path) -> None:
    dag = yaml.safe_load(PIPELINE)
    tasks = [{"name": name, "template": "shell"} for name in ("load", "check")]
    dag["spec"]["templates"][0] = {"name": "main", "dag": {"tasks": tasks}}
    pipeline, copy = tmp_path / "dag.yaml", tmp_path / "slow.yaml"
    pipeline.write_text(yaml.safe_dump(dag))
    assert slow_pipeline(pipeline, copy, 0.25, {"unknown": 1, "load": 1}) == "load"
    found = yaml.safe_load(copy.read_text())
    load, check = found["spec"]["templates"][0]["dag"]["tasks"]
    assert (load["template"], check["template"]) == ("shell-slowed", "shell")
    assert busy(found) == ["0.250000"]
    assert found["spec"]["templates"][1:3] == dag["spec"]["templates"][1:3]


def test_a_task_of_a_compiled_pipeline_gets_a_component_of_its_own(tmp_path: Path) -> None:
    tasks = {name: {"componentRef": {"name": "comp-work"}, "taskInfo": {"name": name}} for name in ("work", "work-2")}
    compiled = {
        "pipelineInfo": {"name": "p"},
        "components": {"comp-work": {"executorLabel": "exec-work"}},
        "deploymentSpec": {"executors": {"exec-work": {"container": {"image": "i", "command": ["sh", "-c", "x"]}}}},
        "root": {"dag": {"tasks": tasks}},
    }
    pipeline, copy = tmp_path / "p.yaml", tmp_path / "slow.yaml"
    pipeline.write_text(yaml.safe_dump(compiled))
    assert slow_pipeline(pipeline, copy, 0.25, {"work-2": 1, "work": 1}) == "work-2"
    found = yaml.safe_load(copy.read_text())
    assert [task["componentRef"]["name"] for task in found["root"]["dag"]["tasks"].values()] == [
        "comp-work",
        "comp-work-slowed",
    ]
    assert found["components"]["comp-work-slowed"] == {"executorLabel": "exec-work-slowed"}
    assert busy(found) == ["0.250000"]
    assert "exec-work" in found["deploymentSpec"]["executors"]


def test_an_exit_handler_and_an_entrypoint_that_are_pods_are_found(tmp_path: Path) -> None:
    pipeline, copy = tmp_path / "p.yaml", tmp_path / "slow.yaml"
    work = {"name": "work", "container": {"image": "i", "command": ["true"]}}
    spec = {"entrypoint": "work", "onExit": "work", "templates": [work]}
    pipeline.write_text(yaml.safe_dump({"kind": "Workflow", "spec": spec}))
    assert slow_pipeline(pipeline, copy, 0.5, {"work": 2}) == "work"
    assert busy(yaml.safe_load(copy.read_text())) == ["0.250000", "0.250000"]


def test_a_pipeline_without_a_command_is_refused(tmp_path: Path) -> None:
    pipeline = tmp_path / "p.yaml"
    pipeline.write_text(PIPELINE.replace("command: [sh, -c], ", "").replace("command: [python3], ", ""))
    with pytest.raises(BadInput, match="has a command that can be slowed"):
        slow_pipeline(pipeline, tmp_path / "slow.yaml", 0.1, {"load": 1})
    pipeline.write_text("a: [")
    with pytest.raises(BadInput, match="cannot be read"):
        slow_pipeline(pipeline, tmp_path / "slow.yaml", 0.1, {"load": 1})
