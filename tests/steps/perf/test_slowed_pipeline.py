"""Pipelines in which one step really takes longer, run by the local engine."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from sampling import for_acceptance

from slipway_steps.domain.errors import BadInput
from slipway_steps.perf.slowed_pipeline import slow_pipeline

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
    ("longest", "slowed"),
    [for_acceptance(["load", "train"], "load"), for_acceptance(["train"], "train"), (["python"], "python")],
)
def test_a_step_uses_more_of_the_processor_and_does_what_it_did(
    tmp_path: Path, longest: list[str], slowed: str
) -> None:
    pipeline, copy = tmp_path / "three.yaml", tmp_path / "slow.yaml"
    pipeline.write_text(PIPELINE)
    assert slow_pipeline(pipeline, copy, 0.5, longest) == slowed
    assert pipeline.read_text() == PIPELINE
    before, used = run(pipeline, tmp_path / "one")
    after, more = run(copy, tmp_path / "two")
    assert sorted(before.values()) == sorted(after.values()) == ["007\n", "1000.0\n"]
    assert 0.4 < more - used < 0.9


def test_steps_of_dags_and_of_compiled_pipelines_are_found(tmp_path: Path) -> None:
    dag = yaml.safe_load(PIPELINE)
    dag["spec"]["templates"][0] = {"name": "main", "dag": {"tasks": [{"name": "load", "template": "shell"}]}}
    compiled = {
        "pipelineInfo": {"name": "p"},
        "components": {"comp-load": {"executorLabel": "exec-load"}},
        "deploymentSpec": {"executors": {"exec-load": {"container": {"image": "i", "command": ["sh", "-c", "x"]}}}},
    }
    for number, document in enumerate((dag, compiled)):
        pipeline, copy = tmp_path / f"{number}.yaml", tmp_path / f"slow-{number}.yaml"
        pipeline.write_text(yaml.safe_dump(document))
        assert slow_pipeline(pipeline, copy, 0.25, ["unknown", "load(0:a)"]) == "load"
        found = copy.read_text()
        assert "0.250000" in found
        yaml.safe_load(found)


def test_a_pipeline_without_a_command_is_refused(tmp_path: Path) -> None:
    pipeline = tmp_path / "p.yaml"
    pipeline.write_text(PIPELINE.replace("command: [sh, -c], ", "").replace("command: [python3], ", ""))
    with pytest.raises(BadInput, match="has a command that can be slowed"):
        slow_pipeline(pipeline, tmp_path / "slow.yaml", 0.1, ["load"])
    pipeline.write_text("a: [")
    with pytest.raises(BadInput, match="cannot be read"):
        slow_pipeline(pipeline, tmp_path / "slow.yaml", 0.1, ["load"])
