"""`slipway perf run` as people call it: from a scenario's file to what they read, on the real engine."""

import json
import shutil
from pathlib import Path

import pytest

from slipway_steps.settings import PROJECT_ROOT
from slipway_workflows.cli import main

SCENARIOS = PROJECT_ROOT / "workflows" / "perf" / "scenarios"
WORKFLOW = """\
kind: Workflow
metadata: {{generateName: small-}}
spec:
  entrypoint: main
  arguments: {{parameters: [{{name: seconds, value: "0.1"}}]}}
  templates:
    - name: main
      steps: [[{{name: first, template: work}}], [{{name: second, template: work}}]]
    - name: work
      container: {{image: "busybox:1", command: [sh, -c], args: ["{script}"]}}
"""


def scenario(tmp_path: Path, script: str = "sleep {{workflow.parameters.seconds}}", **fields: object) -> Path:
    (tmp_path / "pipeline.yaml").write_text(WORKFLOW.format(script=script))
    told = {"mode": "PIPELINE_RUN", "pipelineFileName": "pipeline.yaml", "numTimes": 2, "warmUp": 0} | fields
    path = tmp_path / "scenario.json"
    path.write_text(json.dumps(told))
    return path


def perf(tmp_path: Path, *arguments: object) -> int:
    return main(["--home", str(tmp_path / "home"), "perf", "run", *map(str, arguments)])


def test_the_proposal_s_own_example(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("training.json", "training_pipeline.yaml"):
        shutil.copy(SCENARIOS / name, tmp_path)
    assert perf(tmp_path, tmp_path / "training.json") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "PIPELINE_RUN training_pipeline.yaml · local · 5 runs, 3 at a time · limits 2 CPU, 4Gi"
    assert lines[1].startswith("end to end   median ")
    assert lines[1].endswith("5 of 5 succeeded")
    assert {word for word in ("load", "train", "evaluate", "between steps") if word in lines[2]} == {
        "load",
        "train",
        "evaluate",
        "between steps",
    }
    assert "%" in lines[2]


def test_a_session_is_stored_and_printed_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert perf(tmp_path, scenario(tmp_path), "--output", "json") == 0
    told = json.loads(capsys.readouterr().out)
    directory = tmp_path / "home" / "perf" / told["name"]
    assert json.loads((directory / "session.json").read_text()) == told
    assert [run["outcome"] for run in told["runs"]] == ["succeeded"] * 2
    stored = {"runs.jsonl", "session.json", "lock", "report.html"}
    assert {path.name for path in directory.iterdir()} == stored


def test_failed_runs_reject(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert perf(tmp_path, scenario(tmp_path, script="echo no; exit 3")) == 2
    out = capsys.readouterr().out
    assert "0 of 2 succeeded" in out
    assert "reject: error-rate: 2 of 2 runs failed" in out
    assert "exit code 3" in out


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"pipelineFileName": "pipline.yaml"}, "did you mean pipeline.yaml?"),
        ({"resourceLimits": {"cpu": "9000"}}, "is more than the"),
        ({"resourceLimits": {"memory": "900Ti"}}, "of this machine"),
        ({"parameters": {"second": "1"}}, "unknown parameter second (known: seconds)"),
    ],
)
def test_bad_input_is_one_line_and_starts_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fields: dict[str, object], said: str
) -> None:
    assert perf(tmp_path, scenario(tmp_path, **fields)) == 1
    captured = capsys.readouterr()
    assert said in captured.err
    assert len(captured.err.splitlines()) == 1
    assert captured.out == ""
    assert not list((tmp_path / "home").glob("perf/*"))


def test_a_compiled_pipeline_of_kubeflow_is_no_workflow(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = scenario(tmp_path)
    (tmp_path / "pipeline.yaml").write_text("pipelineInfo: {name: training}\nroot: {dag: {}}\n")
    assert perf(tmp_path, path) == 1
    assert "is a compiled pipeline of Kubeflow" in capsys.readouterr().err
