"""The page of runs that people made: its table says what each part is, its axis when they were."""

import re
from pathlib import Path

import pytest

from slipway_steps.perf.observe import Observed
from slipway_workflows.report.perf_observed import write_observed_report

DAY = 86_400.0
FOUND = Observed(
    "train",
    runs=20,
    failed=0,
    median=60.0,
    p95=70.0,
    components={"load": 12.0},
    blanks={"between-steps": 8.0},
    times=[(1.79e9 + number * DAY / 4, 60.0 + number % 3) for number in range(20)],
)


def rows(page: str) -> list[list[str]]:
    """The cells of each row of the table, as text."""
    found = re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)
    return [[re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row)] for row in found]


@pytest.mark.parametrize("target", ["argo", "local"])
def test_each_part_says_what_it_is(tmp_path: Path, target: str) -> None:
    page = write_observed_report([FOUND], target, 1.79e9, tmp_path / "page.html").read_text()
    head, step, blank = rows(page)
    assert head[:3] == ["Part", "What it is", "Median"]
    assert step[:3] == ["load", "step", "12.0 s"]
    assert blank[:3] == ["between-steps", "no step ran", "8.0 s"]
    assert (head[3:] == ["What makes it shorter"]) == (target == "argo")
    assert (len(step), len(blank)) == ((4, 4) if target == "argo" else (3, 3))
    assert target == "local" or "DEFAULT_REQUEUE_TIME" in blank[3]
