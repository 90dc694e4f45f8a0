"""The evaluation: real pytest over the user's directory, on a packaged model."""

from pathlib import Path

import pytest

from slipway_steps.domain.errors import BadInput, Broken
from slipway_steps.domain.scenario import Scenario
from slipway_steps.domain.verdict import Check, Verdict, judge
from slipway_steps.release.confusion_matrix import draw
from slipway_steps.release.evaluate import Params, evaluate
from slipway_steps.settings import PROJECT_ROOT

TESTS = PROJECT_ROOT / "images" / "train" / "evaluation"


def evaluated(package: Path, tmp_path: Path, tests: Path = TESTS, **params: object) -> list[Check]:
    # a threshold above 1, which no model reaches and which nobody can give as a parameter, is possible here
    wanted = Params(run_id="x", release="r").model_copy(update=params)
    return evaluate(wanted, tests, package, tmp_path)[0]


def own(tmp_path: Path, text: str) -> Path:
    directory = tmp_path / "mine"
    directory.mkdir()
    (directory / "test_mine.py").write_text(text)
    return directory


def test_a_good_model_passes_with_measured_values(trained_package: Path, tmp_path: Path) -> None:
    checks, details = evaluate(Params(run_id="x", release="r"), TESTS, trained_package, tmp_path)
    found = {check.code: check for check in checks}
    assert set(found) == {"accuracy", "loss", "class-recall", "structure"}
    assert judge(checks) is Verdict.PASS
    assert isinstance(found["accuracy"].measured, float)
    assert found["accuracy"].measured > 0.9
    assert found["accuracy"].threshold == 0.8
    matrix = details["confusion_matrix"]
    assert sum(map(sum, matrix)) == 360  # type: ignore[arg-type]
    columns = [sum(column) for column in zip(*matrix, strict=True)]  # type: ignore[call-overload]
    assert [details["predicted"].count(label) for label in range(10)] == columns
    assert draw(matrix, [str(n) for n in range(10)], tmp_path / "m.png").stat().st_size > 5000


@pytest.mark.parametrize(
    ("params", "code"),
    [({"accuracy_min": 1.01}, "accuracy"), ({"loss_max": 0.0001}, "loss"), ({"recall_min": 1.01}, "class-recall")],
)
def test_each_threshold_rejects(trained_package: Path, tmp_path: Path, params: dict[str, float], code: str) -> None:
    checks = evaluated(trained_package, tmp_path, **params)
    assert {check.code for check in checks if check.verdict is Verdict.REJECT} == {code}


def test_the_demo_mode_is_drawn_and_says_so(trained_package: Path, tmp_path: Path) -> None:
    for seed, verdict in ((1, Verdict.PASS), (2, Verdict.REJECT)):
        directory = tmp_path / str(seed)
        directory.mkdir()
        checks = evaluated(trained_package, directory, scenario=Scenario.FLAKY_METRICS, seed=seed)
        (accuracy,) = [check for check in checks if check.code == "accuracy"]
        assert accuracy.verdict is verdict
        assert "drawn" in accuracy.message


def test_no_test_is_inconclusive_never_a_pass(trained_package: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert judge(evaluated(trained_package, tmp_path, tmp_path / "empty")) is Verdict.INCONCLUSIVE
    skipped = own(tmp_path, "import pytest\n\n@pytest.mark.skip(reason='later')\ndef test_x(): pass\n")
    assert judge(evaluated(trained_package, tmp_path, skipped)) is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    "text",
    ["import nothing_of_that_name\n", "def test_x(no_such_fixture): pass\n", "def test_x(: pass\n"],
)
def test_tests_that_cannot_run_are_bad_input_not_a_rejection(trained_package: Path, tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInput):
        evaluated(trained_package, tmp_path, own(tmp_path, text))


def test_pytest_that_is_killed_is_breakage(trained_package: Path, tmp_path: Path) -> None:
    killed = own(tmp_path, "import os, signal\n\ndef test_x(): os.kill(os.getpid(), signal.SIGKILL)\n")
    with pytest.raises(Broken, match="SIGKILL"):
        evaluated(trained_package, tmp_path, killed)


def test_tests_of_ones_own_count(trained_package: Path, tmp_path: Path) -> None:
    checks = evaluated(trained_package, tmp_path, own(tmp_path, "def test_mine(): assert 1 == 2, 'one is not two'\n"))
    assert [(check.code, check.verdict) for check in checks] == [("mine", Verdict.REJECT)]
    assert "one is not two" in checks[0].message


def test_a_missing_directory_is_said(trained_package: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no evaluation directory"):
        evaluated(trained_package, tmp_path, tmp_path / "nowhere")


def test_a_plugin_that_happens_to_be_installed_is_not_loaded(trained_package: Path, tmp_path: Path) -> None:
    text = "def test_mine(pytestconfig): assert not pytestconfig.pluginmanager.hasplugin('timeout')\n"
    checks = evaluated(trained_package, tmp_path, own(tmp_path, text))
    assert [(check.code, check.verdict) for check in checks] == [("mine", Verdict.PASS)]
