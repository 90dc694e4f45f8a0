"""Tells people that a pipeline got slower, or is well again: once for each change."""

from slipway_steps.domain.perf_session import PerfSession
from slipway_steps.domain.verdict import Verdict
from slipway_steps.ports import Notifier


def alert(notifier: Notifier, session: PerfSession, known: Verdict) -> Verdict:
    """Send a message where this session is a regression that people do not know of, or the end of one that they do.

    known: what people were told last, `pass` where they were told nothing; returned is what they know now. A regression
    is known only once its message was accepted, so that the next session tells it where the receiver was away. The
    lines are the checks that were rejected, which tell the value, its interval and the step. Raises Broken where the
    message was not accepted.
    """
    if session.verdict not in (Verdict.PASS, Verdict.REJECT) or session.verdict is known:
        return known
    title = session.scenario.name or session.scenario.pipeline_file_name or session.scenario.mode
    where = f"session {session.name}, revision {session.revision or 'unknown'}, target {session.fingerprint.target}"
    if session.verdict is Verdict.PASS:
        # a receiver that wakes people gets no good news; the next regression is a new one all the same
        notifier.notify(f"{title} is as fast as before again", [where], failed=False)
        return Verdict.PASS
    lines = [check.message for check in session.checks if check.verdict is Verdict.REJECT]
    return Verdict.REJECT if notifier.notify(f"{title} regressed", [*lines, where]) else known
