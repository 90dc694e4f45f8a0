"""The pipelines and scenarios that Slipway brings for performance tests."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway_steps.domain.perf_scenario import KINDS, MODES
from slipway_steps.perf.scenario_file import find_pipeline, read_scenarios
from slipway_steps.settings import PROJECT_ROOT
from slipway_workflows import engine, lint
from slipway_workflows.cli.render import MANIFESTS
from slipway_workflows.findings import output

PERF = PROJECT_ROOT / "workflows" / "perf"
PIPELINES = sorted(path for path in PERF.glob("**/*.yaml") if path.parent.name != "kfp")
SCENARIOS = sorted(PERF.glob("scenarios/*.json"))


def executed(home: Path, name: str, **parameters: str) -> dict[str, Any]:
    path = PERF / "argo" / f"{name}.yaml"
    library = engine.load([path], MANIFESTS)
    return engine.prepare(library, engine.main_object(library, path), parameters, engine.Options(home)).execute()


def pods(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    return [node for node in workflow["status"]["nodes"].values() if node["type"] == "Pod"]


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.stem)
def test_a_pipeline_breaks_no_rule_of_lint(path: Path) -> None:
    assert output.text(lint.lint([path])) == ""


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.stem)
def test_the_pods_of_a_pipeline_are_restricted(path: Path) -> None:
    spec = yaml.safe_load(path.read_text())["spec"]
    assert spec["securityContext"]["runAsNonRoot"]
    for template in spec["templates"]:
        if script := template.get("script"):
            assert script["securityContext"]["readOnlyRootFilesystem"]
            assert script["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            # a parameter comes as a variable, so that no value of it becomes code
            assert "{{" not in script["source"]


def test_there_is_a_scenario_of_each_mode_and_kind() -> None:
    read = [one for path in SCENARIOS for one in read_scenarios(path, MODES)]
    assert {one.mode for one in read} == set(MODES)
    assert {one.kind for one in read} >= set(KINDS)
    for path in SCENARIOS:
        for scenario in read_scenarios(path, MODES):
            assert (find_pipeline(scenario, path.parent) is None) == (scenario.mode == "RANDOM_GETS")


@pytest.mark.acceptance
def test_complex_is_a_dag_of_twenty_steps(tmp_path: Path) -> None:
    workflow = executed(tmp_path, "complex")
    assert workflow["status"]["phase"] == "Succeeded"
    assert len(pods(workflow)) == 20


def test_compute_computes_as_much_as_its_parameter_says(tmp_path: Path) -> None:
    said = [executed(tmp_path, "compute", rounds=rounds)["status"]["phase"] for rounds in ("1", "2")]
    assert said == ["Succeeded"] * 2
    logs = [path.read_text() for path in tmp_path.glob("runs/*/logs/*.log")]
    assert len(logs) == 4
    assert len(set(logs)) == 2


def test_data_fails_where_the_artifact_is_not_what_was_generated(tmp_path: Path) -> None:
    assert executed(tmp_path, "data", **{"dataset-mib": "2"})["status"]["phase"] == "Succeeded"
    content = (PERF / "argo" / "data.yaml").read_text()
    changed = tmp_path / "changed.yaml"
    changed.write_text(content.replace("+ block[1:])\n      outputs", "+ block[2:])\n      outputs"))
    assert changed.read_text() != content
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "slipway_workflows.cli",
            "--home",
            tmp_path / "home",
            "run",
            changed,
            "--output",
            "json",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    failed = [node["displayName"] for node in pods(json.loads(done.stdout)) if node["phase"] == "Failed"]
    assert failed == ["verify"]
