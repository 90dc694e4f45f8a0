"""The lines that tell a person what a session measured."""

from collections.abc import Iterator
from pathlib import Path
from statistics import fmean, median

from slipway_steps.domain.perf_metrics import END_TO_END
from slipway_steps.domain.perf_session import PerfSession
from slipway_steps.domain.statistics import percentile
from slipway_steps.domain.verdict import Verdict
from slipway_steps.perf.baseline import BASELINE

STEPS = 5
"""The steps of a pipeline that are told; all of them are in session.json."""
SHOWN = ("p50 ", "p95 ", "p99 ", "error rate", "lateness ", "firings ")
"""Beginnings of measures that have a line of their own already."""


def lines(session: PerfSession, report: Path, file: Path) -> Iterator[str]:
    """What was run and measured, then what is wrong with it. report: its HTML page; file: the scenario's."""
    yield _heading(session)
    if session.counted:
        yield _end_to_end(session)
    if steps := _steps(session):
        yield steps
    if session.requests:
        yield _requests(session)
    if session.firings:
        yield _firings(session)
    for name, value in session.measures.items():
        if name.startswith(SHOWN):
            continue
        yield f"{name}: {value:.3g}"
    yield from session.notes
    for check in session.checks:
        if check.verdict is not Verdict.PASS:
            yield f"{check.verdict}: {check.code}: {check.message}"
        elif check.code.startswith(BASELINE):
            yield f"passed: {check.message}"
    judged = any(check.code.startswith(BASELINE) for check in session.checks)
    hint = "" if judged or not session.runs else f"no baseline yet: slipway perf baseline {file}     "
    yield f"{hint}report: {report}"


def _heading(session: PerfSession) -> str:
    scenario, limits = session.scenario, session.scenario.resource_limits
    parts = [f"{scenario.mode} {scenario.pipeline_file_name}".strip(), session.fingerprint.target]
    if session.counted:
        at_once = f", {scenario.concurrency} at a time" if scenario.concurrency > 1 else ""
        parts.append(f"{len(session.counted)} runs{at_once}")
    given = [f"{limits.cpu} CPU" if limits.cpu else "", limits.memory]
    parts += [f"limits {', '.join(one for one in given if one)}"] if any(given) else []
    return " · ".join(parts)


def _end_to_end(session: PerfSession) -> str:
    values = session.values(END_TO_END)
    succeeded = f"{len(session.timed)} of {len(session.counted)} succeeded"
    if not values:
        return f"end to end   {succeeded}"
    queue = session.median("queue")
    waited = "" if queue is None else f"   queue {queue:.1f} s"
    return f"end to end   median {median(values):.1f} s   p95 {percentile(values, 95):.1f} s{waited}   {succeeded}"


def _steps(session: PerfSession) -> str:
    """The steps by their mean seconds, the longest first, with the share of it in the mean run."""
    timed = session.timed
    if not timed:
        return ""
    whole = fmean(run.metrics[END_TO_END] for run in timed if END_TO_END in run.metrics)
    names = {name for run in timed for name in run.components}
    means = sorted(((fmean(run.components.get(name, 0.0) for run in timed), name) for name in names), reverse=True)
    told = [f"{name} {seconds:.1f} s" for seconds, name in means[:STEPS]]
    if told:
        seconds, name = means[0]
        told[0] = f"{name:<12} {seconds:.1f} s ({seconds / whole:.0%})".replace("%", " %")
    between = session.median("between-steps")
    return "   ".join([*told, *([] if between is None else [f"between steps {between:.1f} s"])])


def _requests(session: PerfSession) -> str:
    seconds = [one.seconds for one in session.requests]
    told = [f"p{percent} {percentile(seconds, percent) * 1000:.0f} ms" for percent in (50, 95, 99)]
    failed = sum(one.failed for one in session.requests)
    return f"{len(seconds)} requests   {'   '.join(told)}   {failed} failed"


def _firings(session: PerfSession) -> str:
    late = [one.lateness for one in session.firings if one.lateness is not None]
    missed = sum(one.started is None for one in session.firings)
    overlapping = sum(one.overlapping for one in session.firings)
    told = f"late: median {median(late):.2f} s, at most {max(late):.2f} s   " if late else ""
    return f"{len(session.firings)} firings   {told}{missed} missed   {overlapping} overlapping"
