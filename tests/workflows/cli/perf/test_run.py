"""`slipway perf run` as people call it: from a scenario's file to what they read, on the real engine."""

import json
import shutil
from pathlib import Path

import pytest
from junitparser import Failure, JUnitXml
from small_disk import small_disk

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
    told = {"mode": "PIPELINE_RUN", "pipelineFileName": "pipeline.yaml", "kind": "smoke", "numTimes": 2, "warmUp": 0}
    told |= fields
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


def test_junit_names_each_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert perf(tmp_path, scenario(tmp_path, script="exit 3"), "--output", "junit") == 2
    (suite,) = JUnitXml.fromstring(capsys.readouterr().out.encode())
    assert (suite.name, suite.time > 0) == ("pipeline.yaml", True)
    assert {case.name: [type(one) for one in case.result] for case in suite}["error-rate"] == [Failure]


def test_failed_runs_reject(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert perf(tmp_path, scenario(tmp_path, script="echo no; exit 3")) == 2
    out = capsys.readouterr().out
    assert "0 of 2 succeeded" in out
    assert "reject: error-rate: 2 of 2 runs failed" in out
    assert "exit code 3" in out
    (log,) = (tmp_path / "home" / "perf").glob("*/logs/*-1/*.log")
    assert str(log.parent) in out
    assert log.read_text() == "no\n"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"pipelineFileName": "pipline.yaml"}, "did you mean pipeline.yaml?"),
        ({"resourceLimits": {"cpu": "9000"}}, "is more than the"),
        ({"resourceLimits": {"memory": "900Ti"}}, "of this machine"),
        ({"parameters": {"second": "1"}}, "unknown parameter second (known: seconds)"),
        ({"thresholds": {"p99 ms": 5}}, "thresholds: nothing is measured as 'p99 ms'"),
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


def test_several_scenarios_are_run_and_told_one_after_the_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = scenario(tmp_path)
    one = json.loads(path.read_text())
    path.write_text(json.dumps([one, one | {"thresholds": {"end-to-end": 0.001}}]))
    assert perf(tmp_path, path) == 2
    out = capsys.readouterr().out
    assert out.count("2 of 2 succeeded") == 2
    assert out.count("reject: median end-to-end") == 1
    path.write_text(json.dumps([one, one | {"resourceLimits": {"cpu": "9000"}}]))
    assert perf(tmp_path, path) == 1
    captured = capsys.readouterr()
    assert captured.out.count("2 of 2 succeeded") == 1
    assert "is more than the" in captured.err


def test_soak_finds_a_real_leak_of_one_mib_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # each run holds one MiB more than the one before it, and less than the engine; a file counts them
    source = """
import os, pathlib, time
counter = pathlib.Path(os.environ["SLIPWAY_HOME"]).parent / "counter"
number = int(counter.read_text()) + 1 if counter.exists() else 1
counter.write_text(str(number))
held = bytearray((14 + number) * 2**20)
time.sleep(0.4)
"""
    script = {"image": "slipway/steps:0", "command": ["python"], "source": source}
    templates = [
        {"name": "main", "steps": [[{"name": "leak", "template": "leak"}]]},
        {"name": "leak", "script": script},
    ]
    path = scenario(tmp_path, kind="soak", numTimes=12, runTime=5)
    spec = {"entrypoint": "main", "templates": templates}
    workflow = {"kind": "Workflow", "metadata": {"generateName": "leak-"}, "spec": spec}
    (tmp_path / "pipeline.yaml").write_text(json.dumps(workflow))
    assert perf(tmp_path, path, "--output", "json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["measures"]["memory slope MiB/run"] == pytest.approx(1, abs=0.25)
    assert "memory grows" in told["notes"][0]


def test_a_session_that_cannot_be_stored_is_printed_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # the last run puts directories where the session and its page are to be written, as a disk that is full then
    source = """
import os, pathlib
directory = pathlib.Path(os.environ["SLIPWAY_HOME"]).parents[1]
for name in ("session.json", "report.html"):
    (directory / name).mkdir(exist_ok=True)
"""
    path = scenario(tmp_path)
    script = {"image": "slipway/steps:0", "command": ["python"], "source": source}
    spec = {"entrypoint": "main", "templates": [{"name": "main", "script": script}]}
    (tmp_path / "pipeline.yaml").write_text(
        json.dumps({"kind": "Workflow", "metadata": {"generateName": "full-"}, "spec": spec})
    )
    assert perf(tmp_path, path) == 1
    captured = capsys.readouterr()
    assert "2 of 2 succeeded" in captured.out
    (directory,) = (tmp_path / "home" / "perf").iterdir()
    assert f"error: stored: cannot write {directory / 'session.json'}: Is a directory" in captured.out
    assert f"warning: the report could not be written to {directory / 'report.html'}: Is a directory" in captured.err
    assert "report: none" in captured.out
    assert len((directory / "runs.jsonl").read_text().splitlines()) == 2, "the runs are kept"


@pytest.mark.parametrize("size", ["64k", "96k"])
def test_a_full_disk_is_no_failure_of_the_pipeline(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], size: str
) -> None:
    path = scenario(tmp_path, script="head -c 200000 /dev/zero > /tmp/out")
    with small_disk(tmp_path / "home", size):
        assert perf(tmp_path, path) == 1
    captured = capsys.readouterr()
    said = captured.out + captured.err
    assert "No space left on device" in said
    assert "reject" not in said


def test_parameters_are_on_no_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = """
import os, pathlib, sys
lines = [path.read_bytes() for path in pathlib.Path("/proc").glob("[0-9]*/cmdline")]
sys.exit(any(b"tell-nobody" in line for line in lines) or "{{workflow.parameters.word}}" != "tell-" + "nobody")
"""
    path = scenario(tmp_path, parameters={"word": "tell-nobody"})
    script = {"image": "slipway/steps:0", "command": ["python"], "source": source}
    spec = {
        "entrypoint": "main",
        "arguments": {"parameters": [{"name": "word", "value": ""}]},
        "templates": [{"name": "main", "script": script}],
    }
    (tmp_path / "pipeline.yaml").write_text(
        json.dumps({"kind": "Workflow", "metadata": {"generateName": "quiet-"}, "spec": spec})
    )
    assert perf(tmp_path, path) == 0, capsys.readouterr().out


def test_stress_is_told_by_concurrency(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert perf(tmp_path, scenario(tmp_path, kind="stress", numTimes=11)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("PIPELINE_RUN pipeline.yaml · local · 11 runs, more and more at a time")
    assert lines[1].endswith("5 of 5 succeeded, 1 at a time")
    assert [line.partition("   ")[0] for line in lines[3:5]] == ["1 at a time", "2 at a time"]
    assert all("runs/min" in line and "0 of " in line for line in lines[3:5])
