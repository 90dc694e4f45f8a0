"""Verdicts, evidence, statistics, scenarios, environments: the laws they keep."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.environment import (
    Environment,
    check_promotion_order,
    image_tag,
    parse_environment,
    service_host,
)
from slipway_steps.domain.errors import BadInput, Refused
from slipway_steps.domain.evidence import Evidence, check_evidence
from slipway_steps.domain.journal import Intent, Record, revert_target
from slipway_steps.domain.scenario import drawn_accuracy
from slipway_steps.domain.statistics import percentile
from slipway_steps.domain.verdict import PACKAGE_GATES, RELEASE_GATES, Check, Gate, Verdict, first_not_pass, judge

VERDICTS = st.sampled_from(list(Verdict))
CANDIDATES = st.builds(Candidate, version=st.integers(1, 9).map(str), digest=st.just("sha256:x"))


@given(st.lists(VERDICTS))
def test_a_gate_passes_only_if_every_check_does(verdicts: list[Verdict]) -> None:
    checks = [Check(code="c", verdict=verdict, message="m") for verdict in verdicts]
    assert (judge(checks) is Verdict.PASS) == (bool(checks) and set(verdicts) == {Verdict.PASS})
    assert (judge(checks) is Verdict.REJECT) == (Verdict.REJECT in verdicts)


@given(st.dictionaries(st.sampled_from(RELEASE_GATES), VERDICTS))
def test_a_release_passes_only_if_every_gate_did(verdicts: dict[Gate, Verdict]) -> None:
    complete = set(verdicts) == set(RELEASE_GATES) and set(verdicts.values()) == {Verdict.PASS}
    assert (first_not_pass(verdicts) is Verdict.PASS) == complete


def test_a_killed_pod_explains_a_refused_connection() -> None:
    both = dict.fromkeys(Gate, Verdict.PASS) | {Gate.RESOURCES: Verdict.REJECT, Gate.INTEGRATION: Verdict.INCONCLUSIVE}
    assert first_not_pass(both) is Verdict.REJECT


def test_a_known_fault_is_not_undone_by_missing_data() -> None:
    both = dict.fromkeys(Gate, Verdict.PASS) | {Gate.RESOURCES: Verdict.INCONCLUSIVE, Gate.INTEGRATION: Verdict.REJECT}
    assert first_not_pass(both) is Verdict.REJECT


@given(st.dictionaries(st.sampled_from(RELEASE_GATES), VERDICTS), st.booleans(), st.booleans())
def test_nothing_but_complete_evidence_promotes(verdicts: dict[Gate, Verdict], other: bool, split: bool) -> None:
    candidate = Candidate(version="7", digest="sha256:a")
    evidence = [
        Evidence(
            gate=gate,
            verdict=verdict,
            version="7",
            digest="sha256:b" if other else "sha256:a",
            release=f"r{number if split else 0}",
            at=0,
        )
        for number, (gate, verdict) in enumerate(verdicts.items())
    ]
    good = set(verdicts) == set(RELEASE_GATES) and set(verdicts.values()) == {Verdict.PASS} and not other and not split
    if good:
        check_evidence(candidate, evidence)
    else:
        with pytest.raises(Refused):
            check_evidence(candidate, evidence)


def evidence_of_all(release: str = "r") -> list[Evidence]:
    return [
        Evidence(gate=gate, verdict=Verdict.PASS, version="7", digest="sha256:a", release=release, at=0)
        for gate in RELEASE_GATES
    ]


def test_a_version_that_was_registered_before_its_handler_was_tested_can_be_tested_now() -> None:
    candidate = Candidate(version="7", digest="sha256:a")
    others = [item for item in evidence_of_all() if item.gate is not Gate.HANDLER]
    with pytest.raises(Refused, match="handler: no evidence") as refused:
        check_evidence(candidate, others)
    assert "slipway run test-handler -p model-version=7" in str(refused.value)
    assert "test-staging" not in str(refused.value), "the other gates need not run again"
    later = [item.model_copy(update={"release": "later"}) for item in evidence_of_all() if item.gate in PACKAGE_GATES]
    check_evidence(candidate, [*others, *later])
    with pytest.raises(Refused, match="handler: no evidence; load: no evidence") as refused:
        check_evidence(candidate, [item for item in others if item.gate is not Gate.LOAD])
    assert "test-handler -p model-version=7; then judge" in str(refused.value)


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.1, 100))
def test_a_percentile_is_a_sample_that_enough_do_not_exceed(samples: list[float], percent: float) -> None:
    found = percentile(samples, percent)
    assert found in samples
    assert sum(sample <= found for sample in samples) >= len(samples) * percent / 100 - 1e-9
    assert percentile(samples, 100) == max(samples)
    assert min(samples) <= found


def test_percentile_by_hand() -> None:
    assert percentile(list(range(1, 101)), 95) == 95
    assert percentile([3, 1, 2], 50) == statistics.median([1, 2, 3])
    with pytest.raises(ValueError, match="percentile"):
        percentile([], 95)


def test_three_seeds_of_ten_reject() -> None:
    assert [seed for seed in range(10) if drawn_accuracy(seed) < 0.80] == [0, 2, 6]
    assert {drawn_accuracy(seed) for seed in range(99)} == {0.75, 0.85}


@given(st.lists(CANDIDATES, max_size=6), CANDIDATES, st.one_of(st.none(), CANDIDATES))
def test_a_revert_never_goes_back_to_what_failed(passed: list[Candidate], failed: Candidate, before: Candidate) -> None:
    record = Record(current=failed)
    for candidate in passed:
        record = record.confirmed(candidate)
    record = record.opened(Intent(release="r", action="deploy", target=failed, before=before))
    found = revert_target(record, failed)
    assert found is None or (found.version != failed.version and found in passed)
    assert (found is None) == all(candidate.version == failed.version for candidate in passed)
    assert Record.model_validate_json(record.model_dump_json()) == record


def test_names() -> None:
    assert image_tag("staging", "7") == "staging-1.0.7"
    host = service_host("model-app", Environment.CANARY)
    assert host == "model-app-canary-service.model-app-canary.svc.cluster.local:8000"
    with pytest.raises(BadInput, match="staging, canary, production"):
        parse_environment("stagign")


@pytest.mark.parametrize("source", list(Environment))
@pytest.mark.parametrize("target", list(Environment))
def test_only_one_hop_at_a_time(source: Environment, target: Environment) -> None:
    allowed = {("staging", "canary"), ("canary", "production")}
    if (source, target) in allowed:
        check_promotion_order(source, target)
    else:
        with pytest.raises(Refused):
            check_promotion_order(source, target)
