"""The canary gate: it waits for requests, compares, and takes the share back unless all is well."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from steps.release.fakes import FakeWorld, Memory

from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import AppError
from slipway_steps.domain.journal import Record, Shift
from slipway_steps.domain.traffic import Counts, Share
from slipway_steps.domain.verdict import GateReport, Verdict
from slipway_steps.release import canary
from slipway_steps.release.gate_run import UnderTest

STAGING, CANARY, PRODUCTION = Environment
RELEASE = "promote-by-canary-1"


@dataclass
class Users:
    """Traffic whose counts grow at each look, as if users had sent requests between two looks."""

    memory: Memory
    new: Callable[[int], Counts] = lambda look: answered(look, 50)
    old: Callable[[int], Counts] = lambda look: answered(look, 450)
    looks: dict[Environment, int] = field(default_factory=dict)

    def share(self) -> Share:
        return self.memory.share()

    def set_share(self, share: Share) -> None:
        self.memory.set_share(share)

    def url(self) -> str:
        return "http://gateway"

    def counts(self, environment: Environment) -> list[Counts]:
        look = self.looks[environment] = self.looks.get(environment, -1) + 1
        found = (self.new if environment is CANARY else self.old)(look)
        return [found] if found.started else []


def answered(look: int, requests: int, errors: int = 0, started: float = 1.0) -> Counts:
    many = look * requests
    return Counts(
        requests=many,
        errors=look * errors,
        latencies={0.05: many // 2, 0.1: many},
        labels={"0": many // 2, "1": many - many // 2},
        started=(started,),
    )


@dataclass
class Kept:
    memory: Memory
    reports_kept: list[GateReport] = field(default_factory=list)

    def record(self, environment: Environment) -> Record:
        return self.memory.record(environment)

    def write_record(self, environment: Environment, record: Record) -> None:
        self.memory.write_record(environment, record)

    def save_report(self, run_id: str | None, report: GateReport) -> None:
        self.reports_kept = [report]

    def reports(self, release: str) -> list[GateReport]:
        return self.reports_kept


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, memory: Memory) -> None:
    @contextmanager
    def found(params: Any, world: Any) -> Iterator[UnderTest]:
        yield UnderTest(memory.candidate("2"), None, [("0", b"png")], ["0", "1"])  # type: ignore[arg-type] # no app is asked

    monkeypatch.setattr(canary, "under_test", found)
    monkeypatch.setattr(canary, "POLL", 0.001)


def judged(memory: Memory, users: Users, kept: Kept | None = None, **given: Any) -> tuple[Verdict, GateReport]:
    """The verdict at a share of 10 %, and the report."""
    weight = given.get("weight", 10)
    memory.shared = Share(percent=weight)
    memory.records[PRODUCTION] = Record(traffic=Shift(release=RELEASE, share=memory.shared))
    kept = kept or Kept(memory)
    world = FakeWorld(memory.world().settings, registry=kept, platform=memory, traffic=users)
    params = canary.Params(**{"weight": weight, "steps": 3, "max_wait": 0.5, "release": RELEASE, **given})
    verdict = canary.run(params, world).verdict  # type: ignore[arg-type] # a world of what the gate uses
    return verdict, kept.reports_kept[0]


def test_equal_versions_pass_and_the_share_stays(memory: Memory) -> None:
    verdict, report = judged(memory, Users(memory))
    assert verdict is Verdict.PASS
    assert {check.code for check in report.checks} == {"share", "error-rate", "more-errors", "p95", "p95-max", "labels"}
    assert memory.shared == Share(percent=10)


def test_a_bad_version_is_rejected_and_its_share_taken_back_at_once(memory: Memory) -> None:
    verdict, report = judged(memory, Users(memory, new=lambda look: answered(look, 50, errors=10)))
    assert verdict is Verdict.REJECT
    assert {check.code for check in report.failures()} == {"error-rate", "more-errors"}
    assert memory.shared == Share()
    assert memory.records[PRODUCTION].traffic is None


def test_a_worse_production_is_no_fault_of_the_canary(memory: Memory) -> None:
    assert judged(memory, Users(memory, old=lambda look: answered(look, 450, errors=90)))[0] is Verdict.PASS


def test_too_few_requests_end_as_inconclusive_and_take_the_share_back(memory: Memory) -> None:
    verdict, report = judged(memory, Users(memory, new=lambda look: answered(0, 0), old=lambda look: answered(look, 1)))
    assert verdict is Verdict.INCONCLUSIVE
    assert [check.code for check in report.failures()] == ["requests"]
    assert memory.shared == Share()


def silent(look: int) -> Counts:
    raise AppError("no answer")


@pytest.mark.parametrize("new", [silent, lambda look: Counts()], ids=["no answer", "no pod"])
def test_an_app_that_does_not_tell_is_inconclusive(memory: Memory, new: Callable[[int], Counts]) -> None:
    verdict, report = judged(memory, Users(memory, new=new))
    assert verdict is Verdict.INCONCLUSIVE
    assert "no requests could be counted" in report.checks[0].message
    assert memory.shared == Share()


def test_what_was_counted_before_a_pod_was_replaced_is_left_out(memory: Memory) -> None:
    def replaced(look: int) -> Counts:
        return answered(look, 50, errors=50) if look < 2 else answered(look - 2, 50, started=2.0)

    verdict, report = judged(memory, Users(memory, new=replaced))
    assert verdict is Verdict.PASS
    window = report.series["windows"][0]
    assert (window["new"]["requests"], window["new"]["errors"]) == (100, 0)


def test_earlier_shares_count_too(memory: Memory) -> None:
    kept = Kept(memory)
    few = lambda look: answered(look, 50, errors=2)  # noqa: E731 - 4 % of errors: too few requests to tell
    old = lambda look: answered(look, 450, errors=5)  # noqa: E731 - as the line above
    verdicts = [judged(memory, Users(memory, new=few, old=old), kept, weight=10)[0]]
    for weight in (11, 12, 13):
        verdicts.append(judged(memory, Users(memory, new=few, old=old), kept, weight=weight, steps=4)[0])
    assert verdicts[0] is Verdict.PASS
    assert verdicts[-1] is Verdict.REJECT
    assert [one["weight"] for one in kept.reports_kept[0].series["windows"]][:2] == [10, 11]


def test_a_share_that_is_judged_again_counts_once(memory: Memory) -> None:
    kept = Kept(memory)
    for _ in range(2):
        judged(memory, Users(memory), kept)
    assert [one["weight"] for one in kept.reports_kept[0].series["windows"]] == [10]


def test_played_users_are_as_many_as_asked_for(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[Any, ...]] = []

    class Locust:
        def send(self, *arguments: Any) -> list[Any]:
            sent.append(arguments)
            return []

    memory.records[PRODUCTION] = Record(traffic=Shift(release=RELEASE, share=Share(percent=5)))
    world = FakeWorld(
        memory.world().settings, Kept(memory), platform=memory, load_generator=Locust(), traffic=Users(memory)
    )
    canary.run(canary.Params(weight=5, users=7, max_wait=5, release=RELEASE), world)  # type: ignore[arg-type] # as above
    assert {(call[0], call[3]) for call in sent} == {("http://gateway", 7)}
    assert sent[0][2] == 2000, "100 for the canary at 5 %"
