"""Tells people that a pipeline got slower, or is well again: once for each change."""

from slipway_steps.domain.perf_session import PerfSession
from slipway_steps.domain.verdict import Verdict
from slipway_steps.perf.baseline import BASELINE_PREFIX
from slipway_steps.ports import Notifier

NOT_COMPARED = "it has no baseline, such as an edited pipeline until it is measured anew by slipway perf baseline"
"""For people, where a session passes that was not compared with a baseline."""


def alert(notifier: Notifier, session: PerfSession, known: Verdict) -> Verdict:
    """Send a message where this session is a regression that people do not know of, or the end of one that they do.

    known: what people were told last, `pass` where they were told nothing; returned is what they know now. A regression
    is known only once its message was accepted, so that the next session tells it where the receiver was away. The
    lines are the checks that were rejected, which tell the value, its interval and the step. Both messages have the
    same key, so that the good news ends the alert of PagerDuty, also where the pipeline was edited meanwhile.

    Raises Broken where the message was not accepted.
    """
    if session.verdict not in (Verdict.PASS, Verdict.REJECT) or session.verdict is known:
        return known
    title = session.scenario.name or session.scenario.pipeline_file_name or session.scenario.mode
    where = f"session {session.name}, revision {session.revision or 'unknown'}, target {session.fingerprint.target}"
    # what people know is kept by the same two
    key = f"slipway-perf-{session.subject}-{session.fingerprint.machine}"
    if session.verdict is Verdict.PASS:
        compared = any(check.code.startswith(BASELINE_PREFIX) for check in session.checks)
        good = f"{title} is as fast as before again" if compared else f"{title} passes again"
        notifier.notify(good, [where] if compared else [NOT_COMPARED, where], failed=False, key=key)
        return Verdict.PASS
    lines = [check.message for check in session.checks if check.verdict is Verdict.REJECT]
    return Verdict.REJECT if notifier.notify(f"{title} regressed", [*lines, where], key=key) else known
