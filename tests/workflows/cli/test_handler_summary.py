"""The summary of a handler's test on the terminal: lines that people read, whatever the handler said."""

import pytest
from workflows.report.handler_results import result

from slipway_steps.domain.handler import InferenceHandlerSpec
from slipway_steps.domain.verdict import Verdict
from slipway_workflows.cli.handler_summary import print_summary

SPEC = InferenceHandlerSpec.create_default("model.tar.gz", "Registration", "model.tar.gz")


def printed(verdict: Verdict, capsys: pytest.CaptureFixture[str]) -> list[str]:
    print_summary(result(verdict), SPEC)
    return capsys.readouterr().out.splitlines()


def test_what_was_tested_comes_first_and_a_row_for_each_function_next(capsys: pytest.CaptureFixture[str]) -> None:
    headline, columns, *rows = printed(Verdict.PASS, capsys)
    assert headline.startswith("model.tar.gz sha256:abababab")
    assert "1 sample × 2 accept types" in headline
    assert columns.split() == ["function", "calls", "p50", "p95", "peak", "verdict", "usual"]
    (model,) = [row for row in rows if row.startswith("model_fn")]
    assert " ".join(model.split()) == "model_fn 1 412 ms 412 ms 60 MiB pass 100 ms to 5.0 s"
    assert rows[-1] == "passed"


@pytest.mark.parametrize("verdict", [Verdict.REJECT, Verdict.INCONCLUSIVE])
def test_only_what_passed_is_said_to_have_passed(verdict: Verdict, capsys: pytest.CaptureFixture[str]) -> None:
    assert "passed" not in printed(verdict, capsys)


def test_a_fault_is_told_with_its_line_and_nothing_of_it_controls_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = printed(Verdict.REJECT, capsys)
    (at,) = [number for number, line in enumerate(lines) if line.startswith("rejected: sample-fails: ")]
    assert "code/inference.py:41" in lines[at + 1]
    assert not any(character in line for line in lines for character in "\x1b\x00")
    assert "note: a note" in lines


def test_why_nothing_is_known_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = [line for line in printed(Verdict.INCONCLUSIVE, capsys) if line.startswith("inconclusive: ")]
    assert line.startswith("inconclusive: no samples: ")
