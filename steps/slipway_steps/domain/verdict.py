"""What a gate decides: a verdict, the checks that explain it, and a report that belongs to one candidate."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from slipway_steps.domain.candidate import Candidate


class Verdict(StrEnum):
    """The verdict of a gate. pass: the model is good enough. reject: it is not. inconclusive: there is not enough data,
    which never counts as a pass. error: the gate itself failed; this is also the default output of a gate that wrote
    none.
    """

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    REJECT = "reject"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


class Gate(StrEnum):
    """The gates, in the order in which their verdicts are read: a killed pod (resources) explains a refused connection
    (integration), never the reverse. They run in the order evaluation, handler, integration, resources, load. The gates
    shadow and canary compare a version with that of production, after a release, on the way there.
    """

    EVALUATION = "evaluation"
    HANDLER = "handler"
    RESOURCES = "resources"
    INTEGRATION = "integration"
    LOAD = "load"
    SHADOW = "shadow"
    CANARY = "canary"


PACKAGE_GATES = (Gate.EVALUATION, Gate.HANDLER)
"""The gates that judge the packaged model of a run, before it is registered and an image of it is built."""


RELEASE_GATES = (Gate.EVALUATION, Gate.HANDLER, Gate.RESOURCES, Gate.INTEGRATION, Gate.LOAD)
"""The gates that every version has to pass before any promotion, in the order of `Gate`."""


TRAFFIC_GATES = (Gate.SHADOW, Gate.CANARY)
"""The gates that compare a version with that of production before it gets all of the traffic."""


class Check(BaseModel):
    """One comparison that a gate made. `code` is a stable name such as `p95` or `oom-killed`; `measured` and
    `threshold` are in `unit`.

    `verdict` is the verdict of this check alone; `message` is a sentence for people.
    """

    model_config = ConfigDict(frozen=True)

    code: str
    verdict: Verdict
    message: str
    measured: float | str | None = None
    threshold: float | str | None = None
    unit: str = ""


class GateReport(BaseModel):
    """What one gate found out about one candidate in one release. Times are Unix seconds.

    `series` holds measurements for plots by name: latencies in ms, (seconds, MiB) pairs, a confusion matrix.
    """

    gate: Gate
    candidate: Candidate
    release: str
    verdict: Verdict
    checks: list[Check]
    started_at: float
    finished_at: float
    series: dict[str, Any] = {}

    def failures(self) -> list[Check]:
        """The checks whose verdict is not `pass`."""
        return [check for check in self.checks if check.verdict is not Verdict.PASS]


def judge(checks: list[Check]) -> Verdict:
    """The verdict that follows from the checks: reject before error before inconclusive before pass. Without any check
    it is inconclusive.

    One failed check rejects, even where another check could not be made: missing data does not make a known fault go
    away.
    """
    found = {check.verdict for check in checks}
    for verdict in (Verdict.REJECT, Verdict.ERROR, Verdict.INCONCLUSIVE):
        if verdict in found:
            return verdict
    return Verdict.PASS if checks else Verdict.INCONCLUSIVE


def first_not_pass(verdicts: Mapping[Gate, Verdict]) -> Verdict:
    """The verdict of a release: `reject` if any gate rejected, else the first verdict that is not `pass` in the order
    of `Gate`. A missing gate counts as `error`. As within one gate, missing data does not hide a known fault.
    """
    if Verdict.REJECT in verdicts.values():
        return Verdict.REJECT
    for gate in RELEASE_GATES:
        verdict = verdicts.get(gate, Verdict.ERROR)
        if verdict is not Verdict.PASS:
            return verdict
    return Verdict.PASS
