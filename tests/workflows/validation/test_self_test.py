"""The self-test: what it plants into, and that a validator which misses a fault is told."""

import json
from pathlib import Path

import pytest
from workflows.validation.charts import CHARTS, values

from slipway_steps.domain.errors import BadInput
from slipway_workflows.cli import main
from slipway_workflows.validation import deployment, pods
from slipway_workflows.validation.deployment import object_faults
from slipway_workflows.validation.faults import FAULTS, Ground
from slipway_workflows.validation.inputs import read
from slipway_workflows.validation.self_test import plant_all

pytest.importorskip("helm_python", reason="helm-python-sdk is not installed (pip install -e .[platform])")
pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")


def test_a_validator_that_misses_a_fault_is_red(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    less = tuple(check for check in deployment.CHECKS if check is not pods.quantities)
    monkeypatch.setattr(deployment, "CHECKS", less)
    arguments = ["validate-deployment", str(CHARTS / "model-app"), "-f", str(values(tmp_path)), "--self-test"]
    assert main(arguments) == 2
    told = capsys.readouterr()
    assert "bad quantity                 MISSED" in told.out
    assert "request over limit           MISSED" in told.out
    assert "24 of 26 faults found, 2 missed" in told.err


def test_each_check_is_needed_for_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So a check that does nothing any more is noticed."""
    objects = read([CHARTS / "model-app"], [values(tmp_path)]).objects
    grounds = []
    for fault in FAULTS:
        ground = Ground(objects, fault.name)
        fault.plant(ground)
        grounds.append((fault, ground.objects))
    everything = deployment.CHECKS
    for left_out in everything:
        monkeypatch.setattr(deployment, "CHECKS", [check for check in everything if check is not left_out])
        missed = [
            fault.name
            for fault, planted in grounds
            if fault.code not in ("SD001", "SD002") and fault.code not in {one.code for one in object_faults(planted)}
        ]
        assert missed, left_out


def test_it_tells_programs_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["validate-deployment", str(CHARTS / "model-app"), "-f", str(values(tmp_path)), "--self-test"]
    assert main([*arguments, "--output", "json"]) == 0
    told = {one["fault"]: one for one in json.loads(capsys.readouterr().out)}
    assert told["bad quantity"]["found"] == {"references": ["SD101"]}
    assert not told["bad quantity"]["missed"]
    assert main([*arguments, "--output", "sarif"]) == 1


def test_what_has_the_fault_already_is_not_missed(tmp_path: Path) -> None:
    pod = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  selector: {matchLabels: {a: b}}\n"
    pod += "  template:\n    metadata: {labels: {a: b}}\n    spec: {containers: [{name: a, image: a/b:1.0.0}]}\n"
    (tmp_path / "a.yaml").write_text(pod)
    planted = {one.fault: one for one in plant_all([tmp_path / "a.yaml"])}
    assert planted["no probes"].why == "it is there already"
    assert planted["Service selects nothing"].why == "no Service selects a workload"
    assert planted["bad quantity"].found == {"references": ["SD101", "SD116"]}
    assert not [one for one in planted.values() if one.missed]


def test_where_no_fault_has_a_place_that_is_no_success(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\n")
    with pytest.raises(BadInput, match="there is no Deployment"):
        plant_all([tmp_path / "a.yaml"])
