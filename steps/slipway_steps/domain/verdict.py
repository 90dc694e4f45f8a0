"""What a gate says: a verdict, its typed reasons and a report that is bound to a candidate."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from slipway_steps.domain.candidate import Candidate


class Verdict(StrEnum):
    """`pass`; `reject`: the model is not good enough; `inconclusive`: not enough data, which is never a pass;
    `error`: the gate itself broke, the declared default of a gate that wrote nothing.
    """

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    REJECT = "reject"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


class Gate(StrEnum):
    """The gates, in the order in which a verdict is read: a killed pod (resources) explains a refused
    connection (integration), never the reverse. They run in the order integration, resources, load.
    """

    EVALUATION = "evaluation"
    RESOURCES = "resources"
    INTEGRATION = "integration"
    LOAD = "load"


class Check(BaseModel):
    """One comparison a gate made. `code` is a stable name (`p95`, `oom-killed`); measured and threshold share `unit`.

    `verdict` is what this check alone says; `message` is a sentence for a person.
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

    `series` holds raw measurements for plots, by name: latencies in ms, (seconds, MiB) pairs, a confusion matrix.
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
        """The checks that are not `pass`."""
        return [check for check in self.checks if check.verdict is not Verdict.PASS]


def judge(checks: list[Check]) -> Verdict:
    """The verdict of a gate: `inconclusive` with no check at all, else reject, then error or inconclusive, before pass.

    One failed check rejects even where another could not be made: a known fault is not undone by missing data.
    """
    found = {check.verdict for check in checks}
    for verdict in (Verdict.REJECT, Verdict.ERROR, Verdict.INCONCLUSIVE):
        if verdict in found:
            return verdict
    return Verdict.PASS if checks else Verdict.INCONCLUSIVE


def first_not_pass(verdicts: Mapping[Gate, Verdict]) -> Verdict:
    """The verdict of a release: the first that is not `pass` in the order of `Gate`; a missing gate is `error`."""
    for gate in Gate:
        verdict = verdicts.get(gate, Verdict.ERROR)
        if verdict is not Verdict.PASS:
            return verdict
    return Verdict.PASS
