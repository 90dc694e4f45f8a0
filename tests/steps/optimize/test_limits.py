"""The values file that follows from the reports of the resource gate."""

import pytest
import yaml

from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.errors import Refused
from slipway_steps.domain.quantity import parse_quantity
from slipway_steps.domain.verdict import Check, Gate, GateReport, Verdict
from slipway_steps.optimize.limits import values_file


def report(peak: float, cpu: float, gate: Gate = Gate.RESOURCES, verdict: Verdict = Verdict.PASS) -> GateReport:
    check = Check(code="cpu", verdict=verdict, message="", measured=cpu, threshold=500, unit="millicores")
    return GateReport(
        gate=gate,
        candidate=Candidate(version="1", digest="d"),
        release=f"release-{peak:g}",
        verdict=verdict,
        checks=[check],
        started_at=0,
        finished_at=1,
        series={"memory_mib": [[0, 1.0], [1, peak], [2, 2.0]]},
    )


def test_the_values_are_those_of_the_largest_of_a_few_releases() -> None:
    text = values_file([report(80, 33), report(101.5, 31), report(900, 900, Gate.LOAD)])
    values = yaml.safe_load(text)["resources"]
    assert values["requests"] == {"cpu": "40m", "memory": "110Mi"}
    assert values["limits"] == {"memory": "160Mi"}
    assert text.startswith(
        "# p99 of 2 releases: peak 102 MiB, 33 millicores under light work\n# (release-80, release-101.5)\n"
    )
    assert parse_quantity(values["limits"]["memory"]) >= parse_quantity(values["requests"]["memory"])


def test_one_outlier_in_two_hundred_releases_does_not_count() -> None:
    text = values_file([*(report(100 + at / 1000, 30) for at in range(199)), report(900, 30)])
    assert yaml.safe_load(text)["resources"]["requests"]["memory"] == "110Mi"


@pytest.mark.parametrize("reports", [[], [report(80, 33, verdict=Verdict.REJECT)], [report(80, 33, Gate.LOAD)]])
def test_releases_that_were_not_measured(reports: list[GateReport]) -> None:
    with pytest.raises(Refused, match="no release has passed the resource gate"):
        values_file(reports)
