"""Sends the results of a performance test to a Pushgateway, from which Prometheus scrapes them."""

import re
import time
from http.client import HTTPException

from slipway_steps.domain.errors import PlatformError
from slipway_steps.domain.perf_metrics import METRICS
from slipway_steps.domain.perf_session import PerfSession, RunOutcome
from slipway_steps.domain.statistics import percentile
from slipway_steps.domain.verdict import Verdict

JOB = "slipway-perf"
QUANTILES = {"0.5": 50, "0.95": 95, "0.99": 99}
TIMEOUT = 10.0
"""Seconds for one answer of the Pushgateway."""


def push(url: str, session: PerfSession) -> None:
    """Replace what the gateway holds of this scenario and target by this session. Not measured is not sent. Raises
    PlatformError where the gateway does not take it.
    """
    from prometheus_client import CollectorRegistry, Gauge, push_to_gateway

    registry = CollectorRegistry()

    def gauge(kind: str, text: str, value: float, /, **labels: str) -> None:
        found = made.get(kind) or Gauge(f"slipway_perf_{kind}", text, list(labels), registry=registry)
        made[kind] = found
        (found.labels(**labels) if labels else found).set(value)

    made: dict[str, Gauge] = {}
    for metric in METRICS:
        values = session.values(metric)
        for quantile, percent in QUANTILES.items() if values else ():
            text = "A metric of the timed runs, in seconds or bytes."
            gauge("run", text, percentile(values, percent), metric=metric, quantile=quantile)
    latencies = [one.seconds for one in session.requests if not one.failed]
    for quantile, percent in QUANTILES.items() if latencies else ():
        text = "Latency of requests, from when they were due."
        gauge("request_seconds", text, percentile(latencies, percent), quantile=quantile)
    for name, value in session.measures.items():
        gauge("measure", "What the mode measured, by name with its unit.", value, name=name)
    counted = {outcome: sum(run.outcome is outcome for run in session.judged) for outcome in RunOutcome}
    for outcome, number in counted.items():
        gauge("runs", "Runs of the session by how they ended.", number, outcome=outcome.value)
    # a run that the target could not be asked for has not failed
    known = len(session.judged) - counted[RunOutcome.BROKEN]
    asked = len(session.requests) or known
    if asked:
        unsuccessful = known - counted[RunOutcome.SUCCEEDED]
        failed = sum(one.failed for one in session.requests) if session.requests else unsuccessful
        gauge("error_ratio", "Share of runs, or of requests, that failed.", failed / asked)
    for verdict in Verdict:
        gauge("verdict", "1 for the verdict of the session.", float(session.verdict is verdict), verdict=verdict.value)
    gauge("finished_timestamp_seconds", "When the session ended.", session.finished or time.time())
    try:
        push_to_gateway(url, JOB, registry, _grouping(session), TIMEOUT)
    except (OSError, HTTPException, ValueError) as error:
        shown = re.sub(r"//[^/@]*@", "//", url)
        said = str(error).replace(url, shown)
        raise PlatformError(
            f"pushing to the Pushgateway at {shown} failed: {said}", "does SLIPWAY_PUSHGATEWAY_URL name one?"
        ) from error


def _grouping(session: PerfSession) -> dict[str, str]:
    scenario = session.scenario
    name = scenario.name or scenario.pipeline_file_name.rpartition("/")[2] or scenario.mode
    return {"scenario": name, "target": session.fingerprint.target}
