"""The rule on fields of the wrong type, which Argo's server refuses."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway_workflows.lint import lint


def found(directory: Path, spec: Any, kind: str = "Workflow") -> list[str]:
    """What the rule says of a manifest with this spec."""
    path = directory / "wf.yaml"
    version = "argoproj.io/v1alpha1"
    path.write_text(yaml.safe_dump({"apiVersion": version, "kind": kind, "metadata": {"name": "wf"}, "spec": spec}))
    return [one.message for one in lint([path]) if one.rule.startswith("SL023")]


def spec_of(**more: Any) -> dict[str, Any]:
    return {"entrypoint": "main", "templates": [{"name": "main", "suspend": {}}], **more}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"podSpecPatch": [1]}, "spec.podSpecPatch: must be a string, not a list"),
        ({"nodeSelector": 7}, "spec.nodeSelector: must be a map, not 7"),
        ({"parallelism": "two"}, "spec.parallelism: must be an integer, not 'two'"),
    ],
)
def test_a_wrong_type_is_named_by_its_path(tmp_path: Path, more: dict[str, Any], said: str) -> None:
    assert found(tmp_path, spec_of(**more)) == [said]
    (of_cron,) = found(tmp_path, {"schedules": ["0 1 * * *"], "workflowSpec": spec_of(**more)}, "CronWorkflow")
    assert of_cron == said.replace("spec.", "spec.workflowSpec.", 1)


def test_a_spec_that_is_no_map_is_named(tmp_path: Path) -> None:
    cron = {"schedules": ["0 1 * * *"], "workflowSpec": "text"}
    assert found(tmp_path, cron, "CronWorkflow") == ["spec.workflowSpec: must be a map with the workflow"]


def test_what_only_the_local_engine_does_not_know_is_no_mistake(tmp_path: Path) -> None:
    assert found(tmp_path, spec_of(volumeClaimTemplates=[{"metadata": {"name": "data"}}])) == []
