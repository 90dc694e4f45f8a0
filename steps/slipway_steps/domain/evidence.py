"""Evidence: the verdict of a gate on a candidate. A promotion reads it."""

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.errors import Refused
from slipway_steps.domain.verdict import PACKAGE_GATES, RELEASE_GATES, Gate, GateReport, Verdict


class Evidence(BaseModel):
    """The newest verdict of one gate on a model version. `digest` is the image that was judged; for a gate that judged
    the packaged model it is "" until the image is built. `release` is the workflow that the gate ran in, `at` the time
    in Unix seconds.
    """

    model_config = ConfigDict(frozen=True)

    gate: Gate
    verdict: Verdict
    version: str
    digest: str
    release: str
    at: float


def check_evidence(candidate: Candidate, evidence: Iterable[Evidence]) -> None:
    """Check that each gate passed this very candidate. Raises Refused that names every fault.

    The three gates on staging have to come from one release: a gate that passed last week does not complete the gates
    of today. Those on the packaged model may be older, because a package does not change.
    """
    by_gate = {item.gate: item for item in evidence}
    faults = []
    for gate in RELEASE_GATES:
        item = by_gate.get(gate)
        if item is None:
            faults.append(f"{gate}: no evidence")
        elif item.verdict is not Verdict.PASS:
            faults.append(f"{gate}: {item.verdict}")
        elif (item.version, item.digest) != (candidate.version, candidate.digest):
            faults.append(f"{gate}: belongs to version {item.version} ({item.digest[:19] or 'no image'})")
    releases = {item.release for gate, item in by_gate.items() if gate in RELEASE_GATES and gate not in PACKAGE_GATES}
    if not faults and len(releases) > 1:
        faults.append(f"gates ran in different releases: {', '.join(sorted(releases))}")
    if faults:
        advice = []
        if Gate.HANDLER not in by_gate:  # as with every version that was registered before there was this gate
            advice.append(f"test its handler with: slipway run test-handler -p model-version={candidate.version}")
        if not advice or len(faults) > 1:
            advice.append("judge what staging serves with: slipway run test-staging -p auto-promote=false")
        raise Refused(f"promotion of {candidate} is refused: {'; '.join(faults)}", "; then ".join(advice))


def evidence_of(report: GateReport) -> Evidence:
    """The evidence that a gate's report gives about its candidate."""
    return Evidence(
        gate=report.gate,
        verdict=report.verdict,
        version=report.candidate.version,
        digest=report.candidate.digest,
        release=report.release,
        at=report.finished_at,
    )
