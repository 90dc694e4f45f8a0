"""The layer of policies: checkov as a program of its own, absent, present or failing."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from workflows.validation.charts import CHARTS, values

from slipway_steps.domain.errors import SlipwayError
from slipway_workflows.validation import policies
from slipway_workflows.validation.deployment import Validated, validate

pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed (pip install -e .[platform])")

PROGRAM = policies.program
"""Kept before a fixture replaces it."""
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: app, namespace: x}
spec:
  containers:
  - name: app
    image: acme/app:latest
"""


def checked(check: str, file: str, line: int, *keys: str) -> dict[str, Any]:
    """As checkov 3.3.30 writes it, in the fields that are read."""
    return {
        "check_id": check,
        "check_name": f"The name of {check}",
        "check_result": {"result": "FAILED", "evaluated_keys": list(keys)},
        "file_path": file,
        "file_line_range": [line, line + 3],
        "guideline": None,
    }


def checkov(directory: Path, answer: str, code: int = 0) -> Path:
    """A program that answers as checkov does, and keeps what it was given."""
    program = directory / "checkov"
    (directory / "answer").write_text(answer)
    program.write_text(
        f"#!/bin/sh\ncp -r . {directory}/given\nenv > {directory}/environment\ncat {directory}/answer\nexit {code}\n"
    )
    program.chmod(0o755)
    return program


def validated(program: Path, path: Path, monkeypatch: pytest.MonkeyPatch) -> Validated:
    monkeypatch.setattr(policies, "program", lambda: program)
    return validate([path])


def test_its_findings_are_findings_with_their_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "pod.yaml").write_text(POD)
    (tmp_path / "in" / "Dockerfile").write_text("# slipway:skip=CKV_DOCKER_9: on purpose\nFROM a/b:1\nUSER 1\nCMD x\n")
    reports = [
        {"results": {"failed_checks": [checked("CKV_K8S_14", "/object0/object.yaml", 1, "spec/containers/[0]/image")]}},
        {
            "results": {
                "failed_checks": [
                    checked("CKV_DOCKER_2", "/image0/Dockerfile", 2),
                    checked("CKV_DOCKER_9", "/image0/Dockerfile", 2),
                ]
            }
        },
    ]
    monkeypatch.setenv("SLIPWAY_NOTIFY_KEY", "nobody's business")
    found = validated(checkov(tmp_path, json.dumps(reports)), tmp_path / "in", monkeypatch)
    told = {(Path(one.file).name, one.line, one.rule) for one in found.findings if "CKV" in one.rule}
    assert told == {("pod.yaml", 7, "CKV_K8S_14 policy"), ("Dockerfile", 2, "CKV_DOCKER_2 policy")}
    assert [one.reason for one in found.waived] == ["on purpose"]
    assert found.layers["policies"] == "run"
    assert "SLIPWAY_NOTIFY_KEY" not in (tmp_path / "environment").read_text()
    assert "name: app" in (tmp_path / "given" / "object0" / "object.yaml").read_text()


def test_one_report_is_no_list_and_none_has_no_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pod.yaml").write_text(POD)
    one = {"results": {"failed_checks": [checked("CKV_K8S_1", "/object0/object.yaml", 1)]}}
    found = validated(checkov(tmp_path, json.dumps(one)), tmp_path / "pod.yaml", monkeypatch)
    assert "CKV_K8S_1 policy" in {finding.rule for finding in found.findings}
    found = validated(checkov(tmp_path, '{"passed": 0, "failed": 0}'), tmp_path / "pod.yaml", monkeypatch)
    assert not [finding for finding in found.findings if "CKV" in finding.rule]


@pytest.mark.parametrize("environment", ["staging", "canary", "production"])
def test_a_version_of_the_app_by_its_tag_is_accepted(
    environment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("helm_python", reason="helm-python-sdk is not installed (pip install -e .[platform])")
    failed = [
        checked(code, f"/object{number}/object.yaml", 1, "spec/template/spec/containers/[0]/image")
        for code in ("CKV_K8S_15", "CKV_K8S_43")
        for number in range(3)
    ]
    program = checkov(tmp_path, json.dumps({"results": {"failed_checks": failed}}))
    monkeypatch.setattr(policies, "program", lambda: program)
    given = [CHARTS / "model-app" / f"values-{environment}.yaml", values(tmp_path)]
    found = validate([CHARTS / "model-app"], given)
    assert not [one for one in found.findings if "Deployment" in one.message]
    assert {one.finding.rule.split()[0] for one in found.waived} == {"CKV_K8S_15", "CKV_K8S_43"}


@pytest.mark.skipif(PROGRAM() is None, reason="checkov is not installed (docs/validation.md)")
@pytest.mark.parametrize("environment", ["staging", "canary", "production"])
def test_checkov_itself_finds_nothing_in_the_app(
    environment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policies, "program", PROGRAM)
    found = validate([CHARTS / "model-app"], [CHARTS / "model-app" / f"values-{environment}.yaml", values(tmp_path)])
    assert (found.findings, found.layers["policies"]) == ([], "run")


@pytest.mark.parametrize("answer", ["", "Traceback (most recent call last):\nMemoryError"])
def test_one_that_fails_is_told_and_is_no_pass(answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pod.yaml").write_text(POD)
    with pytest.raises(SlipwayError, match="did not check the policies"):
        validated(checkov(tmp_path, answer, 1), tmp_path / "pod.yaml", monkeypatch)
    with pytest.raises(SlipwayError, match="did not check the policies"):
        validated(tmp_path / "no-such-program", tmp_path / "pod.yaml", monkeypatch)


def test_the_one_that_is_named_goes_before_the_one_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.prefix", str(tmp_path / "environment"))
    monkeypatch.delenv("SLIPWAY_CHECKOV", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert PROGRAM() is None
    monkeypatch.setenv("PATH", str(tmp_path))
    program = checkov(tmp_path, "")
    assert PROGRAM() == program
    own = tmp_path / "environment" / "checkov" / "bin"
    own.mkdir(parents=True)
    (own / "checkov").touch()
    assert PROGRAM() == own / "checkov"
    monkeypatch.setenv("SLIPWAY_CHECKOV", "/named")
    assert PROGRAM() == Path("/named")


@pytest.mark.skipif(not os.environ.get("SLIPWAY_CHECKOV"), reason="SLIPWAY_CHECKOV names no checkov")
def test_the_real_one_finds_nothing_in_what_is_deployed_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("helm_python")
    real = Path(os.environ["SLIPWAY_CHECKOV"])
    monkeypatch.setattr(policies, "program", lambda: real)
    by_digest = values(tmp_path, f"image: {{tag: staging-1.0.7, digest: 'sha256:{'b' * 64}'}}\n")
    released = [CHARTS / "model-app" / "values-production.yaml", by_digest]
    health = values(tmp_path, "health: {enabled: true, serviceMonitor: {enabled: true}}\n", "health.yaml")
    for paths, given in (
        ([CHARTS / "model-app"], released),
        ([CHARTS / "slipway"], [health]),
        ([CHARTS / "platform", CHARTS.parent / "images"], []),
    ):
        found = validate(paths, given)
        assert found.findings == []
        assert found.layers["policies"] == "run"
    (tmp_path / "pod.yaml").write_text(POD)
    rules = {one.rule.split()[0]: one.line for one in validate([tmp_path / "pod.yaml"]).findings}
    assert rules["CKV_K8S_14"] == 7
