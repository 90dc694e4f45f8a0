"""The handler test as a step: the real inference toolkit on the packaged model of a run."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy
import onnxruntime
import pytest
from sampling import for_acceptance
from steps.release.fakes import FakeWorld

from slipway_steps.adapters.mlflow.model_archive import write_archive
from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.errors import BadInput, Refused
from slipway_steps.domain.handler import CSV, JSON, Exchange, Fault, FunctionCall, InferenceTestResult, Place
from slipway_steps.domain.package import read_package
from slipway_steps.domain.verdict import Gate, GateReport, Verdict
from slipway_steps.release.handler import Params, checks_of, predictions, run, skew_checks
from slipway_steps.settings import Settings


@dataclass
class Registry:
    """As much of MLflow as the step reads and writes: one run with a package, which is version 7."""

    package: Path
    series: dict[str, Any] = field(default_factory=dict)
    digest: str = ""
    saved: list[tuple[str | None, GateReport]] = field(default_factory=list)

    def download_package(self, run_id: str, target: Path) -> Path:
        assert run_id == "run"
        return shutil.copytree(self.package, target / "package")

    def download_archive(self, run_id: str, target: Path) -> Path | None:
        target.mkdir()
        return write_archive(self.package, target) if (self.package / "code").is_dir() else None

    def reports_of(self, run_id: str) -> list[GateReport]:
        evaluation = {"gate": Gate.EVALUATION, "verdict": Verdict.PASS, "checks": [], "series": self.series}
        times = {"started_at": 1, "finished_at": 2, "release": "r"}
        return [GateReport.model_validate({"candidate": {"version": "", "digest": ""}, **evaluation, **times})]

    def run_of(self, version: str) -> str:
        assert version == "7"
        return "run"

    def candidate(self, version: str) -> Candidate:
        if not self.digest:
            raise Refused(f"version {version} has no image yet")
        return Candidate(version=version, digest=self.digest)

    def save_report(self, run_id: str | None, report: GateReport) -> None:
        self.saved.append((run_id, report))


Tested = Callable[..., tuple[str | None, GateReport]]


@pytest.fixture
def tested(tmp_path: Path) -> Tested:
    """tested(package, series, digest=..., **params): the run that the report was stored in (None: that of the workflow
    itself), and the report.
    """

    def test(package: Path, series: Any = None, digest: str = "", **params: Any) -> tuple[str | None, GateReport]:
        registry = Registry(package, series or {}, digest)
        world = FakeWorld(Settings(home=tmp_path / "home"), registry)
        given = {"run_id": "run"} if "model_version" not in params else {}
        outputs = run(Params(release="r", **given, **params), world)
        ((run_id, report),) = registry.saved
        assert outputs.verdict is report.verdict
        assert report.gate is Gate.HANDLER
        return run_id, report

    return test


def predicted(package: Path) -> list[int]:
    """What the evaluation predicts for the held-out images."""
    found = read_package(package)
    with numpy.load(found.holdout) as held:
        scaled = ((held["images"].astype(numpy.float32) / 255 - 0.5) / 0.5).transpose(0, 3, 1, 2)
    session = onnxruntime.InferenceSession(str(found.model))
    answers: list[int] = session.run(None, {"image": scaled.astype(numpy.float32)})[0].argmax(axis=1).tolist()
    return answers


def edited(package: Path, target: Path, old: str, new: str) -> Path:
    """A copy of the package with another inference.py."""
    copy = shutil.copytree(package, target)
    source = (copy / "code" / "inference.py").read_text()
    assert old in source
    (copy / "code" / "inference.py").write_text(source.replace(old, new))
    return copy


def messages(report: GateReport) -> dict[str, str]:
    return {check.code: check.message for check in report.checks}


def test_the_shipped_handler_predicts_what_was_evaluated(tested: Tested, trained_package: Path) -> None:
    run_id, report = tested(trained_package, {"predicted": predicted(trained_package)})
    assert report.verdict is Verdict.PASS, report.checks
    assert (run_id, report.candidate) == ("run", Candidate(version="", digest=""))
    found = messages(report)
    assert {"model_fn", "input_fn", "predict_fn", "output_fn", "end-to-end"} <= set(found)
    assert "all 360 held-out images" in found["predictions"]
    assert "usual are 100 to 5000 ms" in found["model_fn"]
    assert report.series["package"].startswith("sha256:")
    assert report.series["samples"] == 5


def test_other_scaling_than_the_evaluation_s_is_rejected(tested: Tested, trained_package: Path, tmp_path: Path) -> None:
    """No sample shows it: each answer has the right form."""
    package = edited(trained_package, tmp_path / "package", ".astype(numpy.float32) / 255", ".astype(numpy.float32)")
    _, report = tested(package, {"predicted": predicted(trained_package)})
    check, *functions = report.failures()
    assert {one.code for one in functions} <= {"input_fn", "output_fn", "end-to-end"}
    assert (check.code, check.verdict) == ("skew", Verdict.REJECT)
    assert "of 360 images differ" in check.message
    assert "code/inference.py:" in check.message
    assert "predictions" not in messages(report)


def test_the_scenario_bad_handler_is_rejected_with_its_line(
    tested: Tested, trained_package: Path, packaged: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    package = packaged("bad-handler", "--scenario=bad-handler", f"--package={trained_package}")
    _, report = tested(package)
    check, *functions = report.failures()
    assert {one.code for one in functions} <= {"input_fn", "output_fn", "end-to-end"}
    assert check.code == "output-none"
    lines = (package / "code" / "inference.py").read_text().splitlines()
    line = lines.index('    json.dumps({"predictions": found})') + 1
    assert f"(code/inference.py:{line}, " in check.message, "another return of output_fn is a right one"
    assert "return" in check.message
    assert "reject: output-none" in capsys.readouterr().out


@pytest.mark.acceptance
def test_an_evaluation_that_tells_no_predictions_is_said_aloud(
    tested: Tested, trained_package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, report = tested(trained_package)
    assert report.verdict is Verdict.PASS
    assert "kept no predictions" in messages(report)["predictions"]
    assert "kept no predictions" in capsys.readouterr().out


@pytest.mark.parametrize("told", [None, "3", ["3"], [10], [-1], [True], [1.0]])
def test_what_is_no_list_of_labels_is_no_prediction(trained_package: Path, told: Any) -> None:
    reports = Registry(trained_package, {"predicted": told}).reports_of("run")
    assert predictions(reports, read_package(trained_package)) is None
    assert predictions([], read_package(trained_package)) is None


def test_a_package_without_code_passes_and_says_so(
    tested: Tested, trained_package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package = shutil.copytree(trained_package, tmp_path / "package", ignore=shutil.ignore_patterns("code"))
    _, report = tested(package)
    assert [(check.code, check.verdict) for check in report.checks] == [("no-handler", Verdict.PASS)]
    assert "no code/" in capsys.readouterr().out


def test_a_handler_that_no_server_would_find_is_rejected(tested: Tested, trained_package: Path, tmp_path: Path) -> None:
    package = shutil.copytree(trained_package, tmp_path / "package")
    (package / "code" / "inference.py").rename(package / "inference.py")
    shutil.rmtree(package / "code")
    _, report = tested(package)
    assert [check.code for check in report.failures()] == ["no-code"]


def test_no_request_to_test_with_is_no_pass(tested: Tested, trained_package: Path, tmp_path: Path) -> None:
    package = shutil.copytree(trained_package, tmp_path / "package", ignore=shutil.ignore_patterns("payloads"))
    _, report = tested(package)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "no samples" in report.failures()[0].message


@pytest.mark.acceptance
def test_the_accept_types_are_those_that_are_asked_for(tested: Tested, trained_package: Path, tmp_path: Path) -> None:
    only_json = edited(trained_package, tmp_path / "package", 'in (JSON, CSV, "*/*")', "in (JSON,)")
    assert tested(only_json)[1].verdict is Verdict.PASS, "of the default types it may refuse some"
    assert tested(only_json, handler_accept_types=f"{CSV},{JSON}")[1].verdict is Verdict.REJECT
    assert tested(only_json, handler_accept_types=JSON)[1].verdict is Verdict.PASS
    with pytest.raises(ValueError, match="handler_accept_types"):
        Params(release="r", handler_accept_types="json")


@pytest.mark.parametrize("digest", ["", for_acceptance("sha256:abc")])
def test_a_registered_version_gets_evidence(tested: Tested, trained_package: Path, digest: str) -> None:
    """In a run of its own; without an image yet, the build binds it to one."""
    package = trained_package
    run_id, report = tested(package, digest=digest, model_version="7")
    assert run_id is None
    assert report.candidate == Candidate(version="7", digest=digest)


def test_nothing_named_is_bad_input(tmp_path: Path) -> None:
    world = FakeWorld(Settings(home=tmp_path), Registry(tmp_path))
    with pytest.raises(BadInput, match="neither a run nor a model version"):
        run(Params(release="r"), world)


def result(verdict: Verdict, **more: Any) -> InferenceTestResult:
    given = {"handler_name": "h", "overall_success": verdict is Verdict.PASS, "total_execution_time": 1.0}
    return InferenceTestResult.model_validate({**given, "verdict": verdict, **more})


def test_checks_name_place_request_and_advice_and_measure_functions() -> None:
    none = Fault(
        code="output-none",
        message="output_fn returned None",
        place=Place(file="code/inference.py", line=41),
        sample="two-rows.csv",
        accept=CSV,
        rows="row 1",
    )
    remark = Fault(code="charset", message="no charset")
    calls = [FunctionCall(function="transform_fn", success=ok, seconds=0.02) for ok in (True, True, False)]
    exchange = Exchange(sample="s", content_type=JSON, accept=JSON, success=True, status=200, seconds=0.3)
    failed = exchange.model_copy(update={"accept": CSV, "success": False})
    checks = checks_of(
        result(
            Verdict.REJECT,
            faults=[none, remark],
            request_calls=calls,
            end_to_end_results=[exchange, failed],
            notes=["aloud"],
        )
    )
    assert [(check.code, check.verdict) for check in checks] == [
        ("output-none", Verdict.REJECT),
        ("transform_fn", Verdict.REJECT),
        ("end-to-end", Verdict.REJECT),
        ("remark", Verdict.PASS),
        ("remark", Verdict.PASS),
    ]
    where = "(code/inference.py:41, sample two-rows.csv, row 1, accept text/csv)"
    assert checks[0].message == f"output_fn returned None {where}; {none.advice}"
    assert (checks[1].message, checks[1].measured) == ("rejected for what is named above; 2 calls, 20 ms at most", 20.0)
    assert checks[2].message == "rejected for what is named above; 1 call, 300 ms; usual are 200 to 10000 ms"
    assert checks[3].message.startswith("charset: no charset; ")
    assert checks[4].message == "aloud"


def test_a_test_that_could_not_run_says_nothing_about_the_handler(
    tested: Tested, trained_package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step fails, so that its verdict is its declared default, `error`."""
    broken = result(Verdict.ERROR, errors=["no toolkit"])
    monkeypatch.setattr("slipway_steps.handlers.test_inference_pipeline", lambda *_, **__: broken)
    with pytest.raises(BadInput, match="could not be tested: no toolkit"):
        tested(trained_package)


def test_nothing_is_said_of_predictions_that_were_not_compared() -> None:
    """No request was answered, so none of the held-out images was sent."""
    refused = Exchange(sample="s", content_type=JSON, accept=JSON, success=True, status=400)
    (check,) = skew_checks(result(Verdict.PASS, end_to_end_results=[refused]), [1, 2])
    assert (check.verdict, check.measured) == (Verdict.PASS, None)
    assert "not compared" in check.message
    answered = refused.model_copy(update={"status": 200})
    (check,) = skew_checks(result(Verdict.PASS, end_to_end_results=[answered]), [1, 2])
    assert (check.measured, check.threshold, check.unit) == (2, 2, "images")
    told = [Fault(code="skew-unchecked", message="no")]
    assert skew_checks(result(Verdict.PASS, end_to_end_results=[answered], faults=told), [1, 2]) == []


def test_a_verdict_without_a_reason_is_kept() -> None:
    (check,) = checks_of(result(Verdict.INCONCLUSIVE))
    assert (check.verdict, check.message) == (Verdict.INCONCLUSIVE, "no reason was given")
