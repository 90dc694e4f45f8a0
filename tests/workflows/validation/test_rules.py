from pathlib import Path

import pytest

from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.validation import E2ETestScenario
from slipway_steps.domain.verdict import Check, Gate, GateReport, Verdict
from slipway_steps.settings import PROJECT_ROOT
from slipway_workflows.validation.rules import check_rules, evaluation_checks, judge_rules

SHIPPED = frozenset({"accuracy", "loss", "class-recall", "structure"})


def scenario(rules: dict[str, dict[str, float]], steps: tuple[str, ...] = ("evaluate", "load")) -> E2ETestScenario:
    return E2ETestScenario.model_validate(
        {
            "scenario_name": "x",
            "pipeline_config_path": "release-model",
            "expected_steps": list(steps),
            "validation_rules": rules,
        }
    )


def report(gate: Gate, code: str, measured: float | str | None) -> GateReport:
    return GateReport(
        gate=gate,
        candidate=Candidate(version="", digest=""),
        release="r",
        verdict=Verdict.PASS,
        checks=[Check(code=code, verdict=Verdict.PASS, message="", measured=measured)],
        started_at=0,
        finished_at=0,
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("workflow.duraton", "did you mean workflow.duration"),
        ("evaluation.acuracy", "did you mean evaluation.accuracy"),
        ("load.p99", "did you mean load.p95"),
        ("nothing", "known:"),
        ("integration.samples-right", "no step integration is expected"),
        ("train.duration", "unknown rule"),
    ],
)
def test_a_rule_that_is_never_measured_is_refused(name: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        check_rules(scenario({name: {"max": 1}}), SHIPPED)


def test_the_rules_of_the_issue_are_known() -> None:
    check_rules(
        scenario(
            {
                "evaluation.accuracy": {"min": 0.8},
                "load.p95": {"max": 2000},
                "workflow.duration": {"max": 300},
                "workflow.peak-memory": {"max": 1},
                "evaluate.duration": {"max": 3},
            }
        ),
        SHIPPED,
    )


def test_the_checks_of_an_evaluation_are_read_from_its_tests(tmp_path: Path) -> None:
    assert evaluation_checks(PROJECT_ROOT / "images" / "train" / "evaluation") == SHIPPED
    (tmp_path / "test_own.py").write_text("def test_my_own(evaluated):\n    assert True\n")
    assert evaluation_checks(tmp_path) == {"my-own"}
    with pytest.raises(BadInput, match=r"evaluation\.my-own"):
        check_rules(scenario({"evaluation.accuracy": {"min": 1}}), evaluation_checks(tmp_path))


@pytest.mark.parametrize(
    "test",
    ["def test_a(measured):\n    measured(NAME, 1)", "def test_a(r):\n    record_property('code', 'x')", "def ("],
)
def test_where_tests_do_not_tell_their_checks_any_is_allowed(tmp_path: Path, test: str) -> None:
    (tmp_path / "test_own.py").write_text(test)
    assert evaluation_checks(tmp_path) is None
    check_rules(scenario({"evaluation.anything": {"min": 1}}), None)


def test_a_rule_says_what_was_measured_and_what_was_wanted() -> None:
    rules = {
        "evaluation.accuracy": {"min": 0.8},
        "load.p95": {"min": 1, "max": 2},
        "load.success": {"min": 90},
        "workflow.duration": {"max": 10},
        "workflow.peak-memory": {"max": 1},
        "evaluate.duration": {"max": 3},
    }
    reports = [
        report(Gate.EVALUATION, "accuracy", 0.8),
        report(Gate.LOAD, "p95", 2.5),
        report(Gate.LOAD, "success", "x"),
    ]
    found = judge_rules(scenario(rules), reports, 9.9, 1.5, {"evaluate": 3})
    assert {name: (one.measured, one.passed) for name, one in found.items()} == {
        "evaluation.accuracy": (0.8, True),
        "load.p95": (2.5, False),
        "load.success": (None, False),
        "workflow.duration": (9.9, True),
        "workflow.peak-memory": (1.5, False),
        "evaluate.duration": (3, True),
    }
    assert found["load.p95"].wanted == "at least 1, at most 2"


@pytest.mark.parametrize(
    ("bounds", "measured"), [({"max": 3}, 4.0), ({"max": 4}, None), ({"min": 1}, None), ({"min": 9}, None)]
)
def test_a_step_that_did_not_end_passes_no_rule_and_fails_what_it_has_exceeded(
    bounds: dict[str, float], measured: float | None
) -> None:
    found = judge_rules(scenario({"load.duration": bounds}), [], 9, 1, {"load": 4.0}, unfinished=["load"])
    assert (found["load.duration"].measured, found["load.duration"].passed) == (measured, False)
