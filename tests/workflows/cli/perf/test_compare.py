"""`slipway perf compare` as people call it: revisions of a real repository, run by the real engine."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from slipway_steps.adapters.targets.local_engine import LocalEngineTarget
from slipway_steps.domain.errors import Broken
from slipway_workflows.cli import main

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
WORKFLOW = """\
kind: Workflow
metadata: {{generateName: small-}}
spec:
  entrypoint: main
  templates:
    - name: main
      steps: [[{{name: first, template: work}}], [{{name: second, template: {second}}}]]
    - name: work
      container: {{image: "busybox:1", command: [sh, -c], args: ["sleep 0.01"]}}
    - name: slow
      container: {{image: "busybox:1", command: [sh, -c], args: ["{script}"]}}
"""


def git(directory: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(directory), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose tag v0.1 has the pipeline of perf/pipelines/small.yaml, which perf/scenario.json names."""
    root = tmp_path / "repository"
    (root / "perf" / "pipelines").mkdir(parents=True)
    git(tmp_path, "init", "-q", str(root))
    write(root)
    told = {"mode": "PIPELINE_RUN", "pipelineFileName": "pipelines/small.yaml", "warmUp": 1, "limits": {"cpu": 5}}
    (root / "perf" / "scenario.json").write_text(json.dumps(told))
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "first")
    git(root, "tag", "v0.1")
    return root


def write(root: Path, second: str = "work", script: str = "sleep 1.5") -> None:
    (root / "perf" / "pipelines" / "small.yaml").write_text(WORKFLOW.format(second=second, script=script))


def perf(root: Path, *arguments: str) -> int:
    scenario = str(root / "perf" / "scenario.json")
    return main(["--home", str(root.parent / "home"), "perf", "compare", scenario, *arguments])


def test_a_slower_step_of_the_working_tree_is_rejected_and_named(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(repository, second="slow")
    assert perf(repository, "--base", "v0.1", "--output", "json") == 2
    told = json.loads(capsys.readouterr().out)
    assert told["verdict"] == "reject"
    pairs = len(told["pairs"])
    assert pairs in (10, 20, 30, 40), "it depends on what else this machine does"
    assert told["base"].startswith("v0.1 (")
    assert told["head"] == "working tree"
    (metric,) = [one for one in told["metrics"] if one["metric"] == "end-to-end"]
    assert metric["ratio"]["low"] > 1.1
    assert "in step `second` (+1." in metric["where"]
    home = repository.parent / "home" / "perf"
    assert sorted(path.name for path in home.iterdir()) == [f"{told['name']}-base", f"{told['name']}-head"]
    stored = json.loads((home / f"{told['name']}-head" / "comparison.json").read_text())
    assert stored == told
    assert len(json.loads((home / f"{told['name']}-base" / "session.json").read_text())["runs"]) == 1 + pairs
    assert not (home / f"{told['name']}-base" / "work").exists()


def test_a_head_that_fails_is_rejected_for_its_errors(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(repository, second="slow", script="echo no; exit 3")
    assert perf(repository, "--base", "v0.1") == 2
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("pipelines/small.yaml · local · base v0.1 (")
    assert out[1].startswith("end-to-end   no ratio   limit ×1.10   0 pairs   inconclusive")
    assert any(line.startswith("rejected: 3 of 3 runs of head failed: ") for line in out)
    assert Path(out[-1].removeprefix("report: ")).read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--base", "v0.9"], "has no revision 'v0.9'"),
        (["--base", "v0.1", "--head", "gone"], "has no revision 'gone'"),
        ([], "name a scenario and --base"),
        (["--serving", "1", "2"], "takes no scenario"),
    ],
)
def test_bad_input_starts_nothing(
    repository: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert perf(repository, *arguments) == 1
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1
    home = repository.parent / "home" / "perf"
    assert not home.exists() or not list(home.iterdir())


def test_a_revision_without_the_pipeline_is_named(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = json.loads((repository / "perf" / "scenario.json").read_text())
    (repository / "perf" / "scenario.json").write_text(json.dumps(told | {"pipelineFileName": "new.yaml"}))
    (repository / "perf" / "pipelines" / "small.yaml").rename(repository / "perf" / "new.yaml")
    assert perf(repository, "--base", "v0.1") == 1
    assert "revision v0.1 has no pipeline new.yaml" in capsys.readouterr().err


def test_what_cannot_be_removed_is_said_and_the_comparison_kept(
    repository: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    removed = LocalEngineTarget.remove

    def away(target: LocalEngineTarget, session: str) -> Sequence[str]:
        removed(target, session)
        raise Broken("the disk does not answer")

    monkeypatch.setattr(LocalEngineTarget, "remove", away)
    write(repository, second="slow", script="exit 3")
    assert perf(repository, "--base", "v0.1", "--output", "json") == 2
    told = json.loads(capsys.readouterr().out)
    assert [note for note in told["notes"] if "could be removed: the disk does not answer" in note]


@pytest.mark.parametrize("option", [["--head", "v0.1"], ["--head", "."], ["--base", "v0.1"]])
def test_served_versions_have_no_revisions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: list[str]
) -> None:
    assert main(["--home", str(tmp_path / "home"), "perf", "compare", "--serving", "1", "2", *option]) == 1
    assert "takes no scenario" in capsys.readouterr().err
    assert not (tmp_path / "home").exists()


def test_a_comparison_that_cannot_be_stored_is_printed_with_the_reason(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # head fails, and puts directories where its files are to be written, as a disk that is full then
    source = """
import os, pathlib, sys
directory = pathlib.Path(os.environ["SLIPWAY_HOME"]).parents[1]
for name in ("session.json", "comparison.json", "report.html"):
    (directory / name).mkdir(exist_ok=True)
sys.exit(3)
"""
    script = {"image": "slipway/steps:0", "command": ["python"], "source": source}
    spec = {"entrypoint": "main", "templates": [{"name": "main", "script": script}]}
    workflow = {"kind": "Workflow", "metadata": {"generateName": "full-"}, "spec": spec}
    (repository / "perf" / "pipelines" / "small.yaml").write_text(json.dumps(workflow))
    assert perf(repository, "--base", "v0.1") == 2
    captured = capsys.readouterr()
    (head,) = (repository.parent / "home" / "perf").glob("*-head")
    assert "rejected: 3 of 3 runs of head failed" in captured.out
    assert f"cannot write {head / 'session.json'}: Is a directory" in captured.out
    assert f"the report could not be written to {head / 'report.html'}: Is a directory" in captured.err
    assert "report: none" in captured.out
    assert (head / "comparison.json").is_dir()
