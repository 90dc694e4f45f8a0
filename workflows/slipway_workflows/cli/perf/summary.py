"""The lines that tell a person what a session measured."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from slipway_steps.domain.perf_measures import THROUGHPUT
from slipway_steps.domain.perf_metrics import END_TO_END
from slipway_steps.domain.perf_scenario import LEAST_RUNS
from slipway_steps.domain.perf_session import PerfSession
from slipway_steps.domain.plural import so_many
from slipway_steps.domain.statistics import percentile
from slipway_steps.domain.verdict import Check, Verdict
from slipway_steps.perf.baseline import BASELINE, BASELINE_PREFIX
from slipway_steps.perf.checks import RUNS
from slipway_workflows.report.times import duration_text, moment_text

STEPS = 5
"""The steps of a pipeline that are told; all of them are in session.json."""
ENDS = ("program-start", "finish")
"""The phases before and after all steps that are no wait."""
SHOWN = ("p50 ", "p95 ", "p99 ", "error rate", "lateness ", "firings ", THROUGHPUT)
"""Beginnings of measures that have a line of their own already."""


def lines(session: PerfSession, report: Path | None, file: Path) -> Iterator[str]:
    """What was run and measured, then what is wrong with it. report: its HTML page, None where it could not be written;
    file: the scenario's.
    """
    yield _heading(session)
    if session.counted:
        yield _end_to_end(session)
    if steps := _steps(session):
        yield steps
    yield from _levels(session)
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
            yield f"{check.verdict}: {_told(check)}"
        elif check.code.startswith(BASELINE) or (check.code == RUNS and len(session.timed) < len(session.judged)):
            yield f"passed: {check.message}"
    judged = any(check.code.startswith(BASELINE) for check in session.checks)
    told = judged or len(session.timed) < LEAST_RUNS
    hint = "" if told else f"no baseline yet: slipway perf baseline {file}     "
    began = datetime.fromtimestamp(session.started, UTC)
    yield f"began {moment_text(began)}, took {duration_text(session.finished - session.started)}"
    yield f"{hint}report: {report or 'none'}"


def _told(check: Check) -> str:
    """The message of a check, behind its code where the message does not say it already."""
    said = check.code.removeprefix(BASELINE_PREFIX) in check.message
    return check.message if said else f"{check.code}: {check.message}"


def _heading(session: PerfSession) -> str:
    scenario, limits = session.scenario, session.scenario.resource_limits
    parts = [f"{scenario.mode} {scenario.pipeline_file_name}".strip(), session.fingerprint.target]
    if session.counted:
        at_once = f", {scenario.concurrency} at a time" if scenario.concurrency > 1 else ""
        at_once = ", more and more at a time" if session.levels() else at_once
        parts.append(f"{so_many(len(session.counted), 'run')}{at_once}")
    given = [f"{limits.cpu} CPU" if limits.cpu else "", limits.memory]
    parts += [f"limits {', '.join(one for one in given if one)}"] if any(given) else []
    return " · ".join(parts)


def _end_to_end(session: PerfSession) -> str:
    values, middle = session.values(END_TO_END), session.median(END_TO_END)
    succeeded = f"{len(session.timed)} of {len(session.judged)} succeeded"
    if session.levels():
        succeeded += f", {session.scenario.concurrency} at a time"
    if middle is None:
        return f"end to end   {succeeded}"
    queue = session.median("queue")
    waited = "" if queue is None else f"   queue {queue:.1f} s"
    return f"end to end   median {middle:.1f} s   p95 {percentile(values, 95):.1f} s{waited}   {succeeded}"


def _steps(session: PerfSession) -> str:
    """The steps by their median seconds, the longest first, with its share of the median run; then what is no step."""
    rows = session.steps()
    told = [f"{row.name} {row.seconds:.1f} s" for row in rows[:STEPS]]
    if rows:
        told[0] = f"{rows[0].name:<12} {rows[0].seconds:.1f} s ({100 * rows[0].share:.0f} %)"
    between = session.median("between-steps")
    told += [] if between is None else [f"between steps {between:.1f} s"]
    for name in ENDS:
        of_runs = [[one.end - one.start for one in run.phases if one.name == name] for run in session.timed]
        found = [sum(pieces) for pieces in of_runs if pieces]
        told += [f"{name.replace('-', ' ')} {percentile(found, 50):.1f} s"] if found else []
    return "   ".join(told)


def _levels(session: PerfSession) -> Iterator[str]:
    """A line for each concurrency of a stress test."""
    for level in session.levels():
        throughput = session.measures.get(f"{THROUGHPUT}{level.concurrency}")
        told = [f"{level.concurrency} at a time".ljust(12)]
        told += [] if level.median is None else [f"median {level.median:.1f} s"]
        told += [] if throughput is None else [f"{throughput:.1f} runs/min"]
        yield "   ".join([*told, f"{level.failed} of {level.runs} failed"])


def _requests(session: PerfSession) -> str:
    seconds = [one.seconds for one in session.requests if not one.failed]
    told = [f"p{percent} {percentile(seconds, percent) * 1000:.0f} ms" for percent in (50, 95, 99)] if seconds else []
    failed = sum(one.failed for one in session.requests)
    return "   ".join([so_many(len(session.requests), "request"), *told, f"{failed} failed"])


def _firings(session: PerfSession) -> str:
    late = [one.lateness for one in session.firings if one.lateness is not None]
    missed = sum(one.started is None for one in session.firings)
    overlapping = sum(one.overlapping for one in session.firings)
    told = f"late: median {percentile(late, 50):.2f} s, at most {max(late):.2f} s   " if late else ""
    return f"{so_many(len(session.firings), 'firing')}   {told}{missed} missed   {overlapping} overlapping"
