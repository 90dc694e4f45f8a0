"""The verdict on each function of a handler is the same in the table of a test and among the checks of a release."""

import pytest
from workflows.report.handler_results import call, result, unsent

from slipway_steps.domain.handler_verdicts import END_TO_END, function_verdict
from slipway_steps.domain.verdict import Verdict
from slipway_steps.release.handler import checks_of
from slipway_workflows.report.handler_table import function_rows


@pytest.mark.parametrize("verdict", [Verdict.PASS, Verdict.REJECT, Verdict.INCONCLUSIVE])
def test_a_release_says_of_a_function_what_its_own_table_says(verdict: Verdict) -> None:
    found = result(verdict)
    table = {row.name.replace(" ", "-"): row.verdict for row in function_rows(found)}
    checks = {check.code: check.verdict.value for check in checks_of(found) if check.code in table}
    assert checks == {name: table[name] for name in checks}
    assert {"model_fn"} <= checks.keys()


def test_a_function_may_refuse_what_nobody_asked_for() -> None:
    found = result(Verdict.PASS)
    found.output_fn_results.append(call("output_fn", success=False))
    assert function_verdict("output_fn", found) == "pass"
    found = result(Verdict.REJECT)
    found.output_fn_results[:] = [call("output_fn"), call("output_fn", success=False)]
    assert function_verdict("output_fn", found) == "reject"


def test_what_was_not_sent_rejects_nothing() -> None:
    found = result(Verdict.PASS)
    found.end_to_end_results.append(unsent("late.json"))
    assert function_verdict(END_TO_END, found) == "pass"
