"""The exit handler of a release: `finish` decides how it ends, and the report is made whatever happens."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from engine_runs import Ran, pod

from slipway_steps.settings import PROJECT_ROOT

MANIFESTS = PROJECT_ROOT / "workflows" / "manifests"
WITH_GATES = ("build-initial", "release-model", "test-staging")


def spec(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((MANIFESTS / f"{name}.yaml").read_text())["spec"]
    return found


def run(home: Path, finish: str, report: str) -> Ran:
    """A workflow that succeeds, with the real exit handler around two steps of these scripts."""
    (handler,) = (one for one in spec("release-model")["templates"] if one["name"] == "exit-handler")
    said = {"parameters": [{"name": "report-url", "globalName": "report-url", "valueFrom": {"path": "/tmp/url"}}]}
    templates = (pod("main"), handler, pod("finish", finish), pod("report", report, outputs=said))
    return Ran(home, *templates, onExit="exit-handler")


@pytest.mark.parametrize("name", WITH_GATES)
def test_every_workflow_with_gates_has_it(name: str) -> None:
    assert spec(name)["onExit"] == "exit-handler"
    (report,) = (one for one in spec(name)["templates"] if one["name"] == "report")
    assert report["container"]["image"].startswith("slipway/train:"), "matplotlib is there"
    assert report["container"]["resources"]["requests"] == {"cpu": "50m", "memory": "256Mi"}


def test_a_report_that_cannot_be_made_leaves_the_release_as_it_is(tmp_path: Path) -> None:
    ran = run(tmp_path, "true", "exit 1")
    assert ran.status["phase"] == "Succeeded"
    assert ran.phases()[".onExit[0].report"] == "Failed"


def test_a_finish_that_fails_fails_the_release_and_the_report_is_made(tmp_path: Path) -> None:
    ran = run(tmp_path, "exit 1", "echo there > /tmp/url")
    assert ran.status["phase"] in ("Failed", "Error")
    assert ran.phases()[".onExit[0].report"] == "Succeeded"
    assert ran.status["outputs"]["parameters"] == [{"name": "report-url", "value": "there"}]
