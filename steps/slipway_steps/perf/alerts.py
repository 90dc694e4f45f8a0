"""Tells people that a pipeline got slower, or is well again: once for each change."""

from collections.abc import Sequence

from slipway_steps.domain.perf_session import PerfSession
from slipway_steps.domain.verdict import Verdict
from slipway_steps.ports import Notifier

DECIDED = (Verdict.PASS, Verdict.REJECT)
"""The verdicts that say how a pipeline is; the others leave its state as it was."""


def alert(notifier: Notifier, session: PerfSession, previous: Sequence[PerfSession]) -> bool:
    """Send a message where this session changed the state of its pipeline; returns whether one was sent.

    A pipeline that was never measured counts as well. previous: the stored sessions of the scenario before this one;
    those of another machine play no part. The lines are the checks that were not passed, which tell the value, its
    interval and the step. Raises Broken where the message was not accepted.
    """
    before = [
        one.verdict
        for one in sorted(previous, key=lambda one: one.started)
        if one.name != session.name
        and one.started < session.started
        and one.fingerprint.digest == session.fingerprint.digest
        and one.verdict in DECIDED
    ]
    state = before[-1] if before else Verdict.PASS
    if session.verdict not in DECIDED or session.verdict is state:
        return False
    title = session.scenario.name or session.scenario.pipeline_file_name or session.scenario.mode
    where = f"session {session.name}, revision {session.revision or 'unknown'}, target {session.fingerprint.target}"
    if session.verdict is Verdict.PASS:
        return notifier.notify(f"{title} is as fast as before again", [where], failed=False)
    lines = [check.message for check in session.checks if check.verdict is Verdict.REJECT]
    return notifier.notify(f"{title} regressed", [*lines, where])
