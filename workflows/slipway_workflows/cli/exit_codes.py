"""The exit codes of the program: 0 fine, 2 judged bad, 1 where nothing is known or something broke."""

from slipway_steps.domain.verdict import Verdict

REJECTED, UNDECIDED = 2, 1
CODES = {Verdict.PASS: 0, Verdict.REJECT: REJECTED, Verdict.INCONCLUSIVE: UNDECIDED, Verdict.ERROR: UNDECIDED}
WORST = (REJECTED, UNDECIDED, 0)
"""Of several codes the first that occurs is told: a rejection before what says nothing."""
