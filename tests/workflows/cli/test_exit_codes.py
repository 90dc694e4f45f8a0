"""What a shell or a CI learns from the program."""

from slipway_steps.domain.verdict import Verdict
from slipway_workflows.cli.exit_codes import CODES, WORST


def test_only_a_pass_is_zero_and_only_a_rejection_is_two():
    assert {verdict for verdict in Verdict if CODES[verdict] == 0} == {Verdict.PASS}
    assert {verdict for verdict in Verdict if CODES[verdict] == 2} == {Verdict.REJECT}


def test_the_worst_of_several_is_a_rejection_and_then_what_says_nothing():
    assert list(WORST) == [2, 1, 0]
    assert set(WORST) == set(CODES.values())
