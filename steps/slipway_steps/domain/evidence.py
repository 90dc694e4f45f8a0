"""Evidence: a gate's verdict on a candidate, as promotion reads it."""

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.errors import Refused
from slipway_steps.domain.verdict import Gate, GateReport, Verdict


class Evidence(BaseModel):
    """One gate's last word on a model version. `digest` is the image it judged ("" for an evaluation that has no
    image yet: building stamps it), `release` the workflow it ran in, `at` Unix seconds.
    """

    model_config = ConfigDict(frozen=True)

    gate: Gate
    verdict: Verdict
    version: str
    digest: str
    release: str
    at: float


def check_evidence(candidate: Candidate, evidence: Iterable[Evidence]) -> None:
    """Raises Refused, naming every fault, unless each gate passed this very candidate.

    The three gates on staging have to come from one release: a pass of last week does not complete today's half.
    """
    by_gate = {item.gate: item for item in evidence}
    faults = []
    for gate in Gate:
        item = by_gate.get(gate)
        if item is None:
            faults.append(f"{gate}: no evidence")
        elif item.verdict is not Verdict.PASS:
            faults.append(f"{gate}: {item.verdict}")
        elif (item.version, item.digest) != (candidate.version, candidate.digest):
            faults.append(f"{gate}: belongs to version {item.version} ({item.digest[:19] or 'no image'})")
    releases = {item.release for gate, item in by_gate.items() if gate is not Gate.EVALUATION}
    if not faults and len(releases) > 1:
        faults.append(f"gates ran in different releases: {', '.join(sorted(releases))}")
    if faults:
        raise Refused(
            f"promotion of {candidate} is refused: {'; '.join(faults)}",
            "judge what staging serves with: slipway run test-staging -p auto-promote=false",
        )


def evidence_of(report: GateReport) -> Evidence:
    """What a gate's report proves about its candidate."""
    return Evidence(
        gate=report.gate,
        verdict=report.verdict,
        version=report.candidate.version,
        digest=report.candidate.digest,
        release=report.release,
        at=report.finished_at,
    )
