"""What becomes of a session that has ended: it is judged against its baseline and stored, and people are told."""

from collections.abc import Sequence
from typing import NamedTuple

from slipway_steps.domain.errors import Broken
from slipway_steps.domain.perf_session import PerfSession
from slipway_steps.domain.verdict import Check, Verdict, judge
from slipway_steps.perf.alerts import alert
from slipway_steps.perf.baseline import judged_against_baseline
from slipway_steps.perf_ports import Measurements
from slipway_steps.ports import Notifier

RECENT = 20
"""Sessions before this one that are read."""
STORED = "stored"
"""The code of the check that says that a session could not be stored."""


class Kept(NamedTuple):
    """A session with its final verdict, the sessions before it in the order of time, the names of those that are its
    baseline, and what could not be done.
    """

    session: PerfSession
    previous: Sequence[PerfSession] = ()
    baseline: frozenset[str] = frozenset()
    warnings: Sequence[str] = ()


def keep(session: PerfSession, measurements: Measurements, notifier: Notifier, pushgateway_url: str = "") -> Kept:
    """Judge a session against its baseline, store it, and tell people where the state of its pipeline has changed.

    pushgateway_url: the Pushgateway that gets the results; "": none. Where the store cannot be asked, nothing is known
    about a baseline, and the session has the verdict `error` unless it was rejected. A message or a push that was not
    accepted is a warning; the next session tells what people do not know yet.
    """
    try:
        baseline = measurements.baseline(session.scenario_digest)
        previous = measurements.sessions(session.scenario_digest, session.fingerprint.digest, RECENT)
        session = judged_anew(session, judged_against_baseline(session, baseline, previous))
        known = measurements.told(session.subject, session.fingerprint.machine)
        measurements.save(session)
    except Broken as error:
        session = not_stored(session, error)
        return Kept(session, warnings=_pushed(session, pushgateway_url))
    kept = Kept(session, previous, frozenset(one.name for one in baseline), _pushed(session, pushgateway_url))
    try:
        now = alert(notifier, session, known)
        if now is not known:
            measurements.set_told(session.name, now)
    except Broken as error:
        return kept._replace(warnings=[*kept.warnings, str(error)])
    return kept


def _pushed(session: PerfSession, url: str) -> list[str]:
    """Why the Pushgateway did not take the results; empty where it did, or where there is none."""
    if not url:
        return []
    from slipway_steps.adapters.prometheus.pushgateway import push

    try:
        push(url, session)
    except Broken as error:
        return [str(error)]
    return []


def not_stored(session: PerfSession, error: Broken) -> PerfSession:
    """The session with a check that says that it could not be stored, and why."""
    return judged_anew(session, [Check(code=STORED, verdict=Verdict.ERROR, message=str(error))])


def judged_anew(session: PerfSession, checks: Sequence[Check]) -> PerfSession:
    """The session with more checks, and the verdict that follows from all of them."""
    every = [*session.checks, *checks]
    return session.model_copy(update={"checks": every, "verdict": judge(every)})
